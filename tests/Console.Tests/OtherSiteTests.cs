using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.Console.Tests;

/// <summary>Pages of other sites in the browser of somebody who may do everything, because nobody is asked for a key.</summary>
public sealed class OtherSiteTests(Browser browser)
{
    private const string Elsewhere = "http://elsewhere.test/";

    [Fact]
    public async Task A_form_on_a_page_of_another_site_starts_no_run_and_ends_none()
    {
        using var folder = new TemporaryFolder();
        await using var open = await ConsoleServer.StartAsync(folder.Path, secure: null);
        using var http = new HttpClient { BaseAddress = new Uri(open.Url), Timeout = Product.Patience };
        await ConsoleServer.EnrolledAsync(http);
        var api = new RunsApi(http);
        var body = TinyRun.Body();
        body["rounds"] = 100_000;
        var runId = await api.CreateAsync(body);
        await using var tab = await browser.OpenAsync(http.BaseAddress);
        await tab.Page.Context.RouteAsync(Elsewhere, route => route.FulfillAsync(new() { ContentType = "text/html", Body = "<form method=post enctype=text/plain><input name=x></form>" }));
        foreach (var (path, text) in new[] { ($"runs/{runId}/stop", ""), ("runs/", TinyRun.Body().ToJsonString()), ("quarantine/orchestrator/1/replay", "") })
        {
            var page = await tab.Page.Context.NewPageAsync();
            await page.GotoAsync(Elsewhere);
            var answer = await page.RunAndWaitForResponseAsync(
                () => page.EvaluateAsync(
                    "([url, text]) => { const form = document.forms[0]; form.action = url; form[0].name = text.slice(0, -1); form[0].value = text.slice(-1); form.submit(); }", new[] { open.Url + "/" + path, text }),
                response => response.Request.Method == "POST");
            Assert.True(answer.Status == 403, $"{path}: {answer.Status}");
        }

        Assert.Equal("running", (await api.GetAsync($"runs/{runId}")).GetProperty("state").GetString());
        Assert.Single((await api.GetAsync("runs/")).EnumerateArray());
        await api.PostAsync(runId, "stop");
    }

    [Theory]
    [InlineData("POST", "Origin", "http://elsewhere.test", 403), InlineData("POST", "Origin", "null", 403), InlineData("POST", "Sec-Fetch-Site", "same-site", 403), InlineData("DELETE", "Sec-Fetch-Site", "cross-site", 403)]
    [InlineData("POST", "Origin", "SELF", 404), InlineData("POST", "Sec-Fetch-Site", "same-origin", 404), InlineData("POST", "X-None", "x", 404)]
    [InlineData("GET", "Host", "elsewhere.test", 421), InlineData("POST", "Host", "elsewhere.test", 421), InlineData("GET", "Host", "localhost:1", 404), InlineData("GET", "Host", "[::1]", 404)]
    public async Task Who_asks_from_elsewhere_or_by_another_name_is_refused_where_nobody_is_asked_for_a_key(string method, string header, string value, int status)
    {
        using var folder = new TemporaryFolder();
        await using var accountant = SplitServices.Compose("PrivacyAccountant", folder, ledger: null);
        await accountant.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new Uri(accountant.Urls.First()), Timeout = Product.Patience };
        using var request = new HttpRequestMessage(HttpMethod.Parse(method), method == "POST" ? "quarantine/privacy-accountant/1/replay" : "quarantine/privacy-accountant/1");
        request.Headers.TryAddWithoutValidation(header, value == "SELF" ? accountant.Urls.First() : value);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
    }
}
