using System.Net;
using System.Text.Json.Nodes;
using FlEvents.EndToEnd.Tests;
using FlEvents.Orchestrator.WebConsole;
using FlEvents.Testing;

namespace FlEvents.Console.Tests;

/// <summary>What is sent to a browser, whoever asks.</summary>
public sealed class ServedFilesTests(ConsoleServer server) : IDisposable
{
    private readonly HttpClient _stranger = new(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server.Url, Timeout = Product.Patience };

    public void Dispose() => _stranger.Dispose();

    [Fact]
    public async Task Every_file_comes_to_strangers_with_the_headers_that_keep_other_scripts_out()
    {
        foreach (var path in ConsoleFiles.All.Keys.Append(""))
        {
            using var response = await GetAsync($"console/{path}");
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
                Assert.Single(response.Headers.GetValues("Content-Security-Policy")));
            Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("no-referrer", Assert.Single(response.Headers.GetValues("Referrer-Policy")));
            Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Cross-Origin-Opener-Policy")));
            Assert.Equal("same-origin", Assert.Single(response.Headers.GetValues("Cross-Origin-Resource-Policy")));
        }
    }

    [Fact]
    public void No_file_has_a_script_or_a_style_in_it_or_makes_markup_of_text()
    {
        string[] forbidden = ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", " style=", "<style", "javascript:", "http://", "https://"];
        var found = from file in ConsoleFiles.All
                    where !file.Key.StartsWith("uPlot", StringComparison.Ordinal) && file.Key != "icon.svg"
                    let text = System.Text.Encoding.UTF8.GetString(file.Value.Content)
                    from word in forbidden
                    where text.Contains(word, StringComparison.OrdinalIgnoreCase)
                    select $"{file.Key}: {word}";
        Assert.Empty(found);
    }

    [Fact]
    public async Task The_root_leads_to_the_console_and_nothing_else_is_served_below_it()
    {
        foreach (var path in new[] { "", "console" })
        {
            using var response = await GetAsync(path);
            Assert.Equal((HttpStatusCode.Redirect, "console/"), (response.StatusCode, response.Headers.Location?.OriginalString));
        }

        foreach (var path in new[] { "console/none.js", "console/views", "console/..%2fruns", "console/%2e%2e/%2e%2e/etc/passwd" })
        {
            using var response = await GetAsync(path);
            Assert.True(response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized, $"{path}: {response.StatusCode}");
        }
    }

    [Fact]
    public async Task A_file_that_is_the_same_is_not_sent_again()
    {
        using var first = await GetAsync("console/app.js");
        using var again = new HttpRequestMessage(HttpMethod.Get, "console/app.js");
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var response = await _stranger.SendAsync(again, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
    }

    [Fact]
    public async Task Nothing_but_the_files_and_what_to_ask_for_is_told_without_a_key()
    {
        var settings = JsonNode.Parse(await _stranger.GetStringAsync(new Uri("console/settings.json", UriKind.Relative), TestContext.Current.CancellationToken))!;
        Assert.Equal("""{"isOpen":false,"ledgerPath":"","quarantinePaths":[""]}""", settings.ToJsonString());
        foreach (var path in new[] { "runs/", "runs/events", "runs/schema.json", "clients/", "quarantine/", "ledger/head", "enrolments/", "console/session.json" })
        {
            using var response = await GetAsync(path);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }
    }

    [Fact]
    public async Task The_form_goes_by_the_schema_of_run_files_itself()
    {
        var served = JsonNode.Parse(await server.Http.GetStringAsync(new Uri("runs/schema.json", UriKind.Relative), TestContext.Current.CancellationToken))!.AsObject();
        var documented = JsonNode.Parse(await File.ReadAllTextAsync(Repository.File("docs", "run-file.schema.json"), TestContext.Current.CancellationToken))!["properties"]!["run"]!.AsObject();

        // What is said of the whole differs, and where a pointer begins.
        served.Remove("$schema");
        served.Remove("title");
        documented.Remove("description");
        Assert.Equal(documented.ToJsonString().Replace("#/properties/run/", "#/", StringComparison.Ordinal), served.ToJsonString());
    }

    private Task<HttpResponseMessage> GetAsync(string path) => _stranger.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
}
