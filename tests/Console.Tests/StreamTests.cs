using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>Streams that end before what they tell of, and go on.</summary>
public sealed class StreamTests(Browser browser, ConsoleServer server)
{
    [Fact]
    public async Task A_reader_that_says_what_it_was_told_last_is_not_told_of_older_rounds_again()
    {
        var runId = await server.CreateAsync(body => body["rounds"] = 8);
        var told = await EventsAsync(runId, last: null);
        Assert.Equal(Enumerable.Range(1, 8), told.Where(item => item.EventType == "round").Select(RoundOf).Distinct().Order());
        Assert.Equal(told.Select(item => int.Parse(item.EventId!, System.Globalization.CultureInfo.InvariantCulture)).Order(), told.Select(item => int.Parse(item.EventId!, System.Globalization.CultureInfo.InvariantCulture)));

        // A federated evaluation may still come for the newest and the one before.
        Assert.Equal("7", told[^1].EventId);
        Assert.Equal([7, 8], (await EventsAsync(runId, "7")).Where(item => item.EventType == "round").Select(RoundOf));
        Assert.Equal("completed", (await EventsAsync(runId, "7"))[^1].Data.GetProperty("run").GetProperty("state").GetString());
    }

    [Theory, InlineData("99"), InlineData("-1"), InlineData("all"), InlineData("99999999999999999999")]
    public async Task A_reader_that_says_what_it_can_not_have_been_told_is_told_all(string last)
    {
        var runId = await server.CreateAsync();
        await server.Api.EndAsync(runId);
        Assert.Equal([1, 2, 3], (await EventsAsync(runId, last)).Where(item => item.EventType == "round").Select(RoundOf));
    }

    [Fact]
    public async Task A_run_is_not_told_again_where_nothing_of_it_has_changed()
    {
        var runId = await server.CreateAsync(body => body["rounds"] = 6);
        var runs = (await EventsAsync(runId, last: null)).Where(item => item.EventType == "run").Select(item => item.Data.GetProperty("run").GetRawText()).ToList();
        Assert.Equal(runs.Distinct(), runs);
    }

    [Fact]
    public async Task A_page_whose_stream_breaks_goes_on_where_it_was_and_keeps_what_it_has()
    {
        var runId = await server.CreateAsync(body => body["rounds"] = 5);
        await server.Api.EndAsync(runId);
        var told = await EventsAsync(runId, last: null);
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        var asked = new List<string?>();
        await page.RouteAsync($"**/runs/{runId}/events**", async route =>
        {
            lock (asked)
            {
                asked.Add(route.Request.Headers.GetValueOrDefault("last-event-id"));
            }

            switch (asked.Count)
            {
                // Three rounds of a run that goes on, one event that nobody can read, and half of another.
                case 1:
                    await route.FulfillAsync(new() { ContentType = "text/event-stream", Body = Text(told.Where(item => item.EventType == "round" && RoundOf(item) <= 3)) + "event: round\nid: 9\ndata: {\"ru" });
                    break;
                case 2:
                    await route.FulfillAsync(new() { Status = 429, ContentType = "application/problem+json", Body = """{"detail":"too many"}""" });
                    break;
                case 3:
                    await route.AbortAsync();
                    break;
                default:
                    await route.ContinueAsync();
                    break;
            }
        });
        await tab.SignInAsync(ConsoleServer.Operator, $"runs/{runId}");
        await Expect(page.Locator("main .state").First).ToContainTextAsync("completed");
        await Expect(page.GetByRole(AriaRole.Table, new() { Name = "Rounds, the newest first" }).Locator("tbody tr")).ToHaveCountAsync(5);
        await Expect(page.Locator("#link")).ToHaveTextAsync("ended");
        Assert.Equal([null, "2", "2", "2"], asked);
        tab.AssertQuiet("429", "ERR_FAILED");

        // As a run in its third round would be told.
        static string Text(IEnumerable<SseItem<JsonElement>> items) => string.Concat(items.Select(item =>
            $"event: {item.EventType}\nid: 2\ndata: {item.Data.GetRawText().Replace("\"state\":\"completed\"", "\"state\":\"running\"", StringComparison.Ordinal)}\n\n"));
    }

    [Fact]
    public async Task A_tab_that_is_hidden_lets_its_stream_go_and_takes_it_up_again_when_it_is_seen()
    {
        var runId = await server.CreateAsync(body => body["rounds"] = 100_000);
        await using var tab = await browser.OpenAsync(server.Url);
        var page = tab.Page;
        var ended = new TaskCompletionSource();
        page.RequestFailed += (_, request) => Ended(request.Url.Contains("/events", StringComparison.Ordinal));
        await tab.SignInAsync(ConsoleServer.Operator, $"runs/{runId}");
        await Expect(page.Locator("#link")).ToHaveTextAsync("live");
        await page.EvaluateAsync("Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'));");
        await ended.Task.WaitAsync(Product.Patience, TestContext.Current.CancellationToken);
        await page.EvaluateAsync("Object.defineProperty(document, 'hidden', { value: false }); document.dispatchEvent(new Event('visibilitychange'));");
        await server.Api.PostAsync(runId, "stop");
        await Expect(page.Locator("main .state").First).ToContainTextAsync("stopped");
        tab.AssertQuiet();

        void Ended(bool isStream)
        {
            if (isStream)
            {
                ended.TrySetResult();
            }
        }
    }

    [Fact]
    public async Task A_stream_ends_with_the_token_that_opened_it()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var folder = new TemporaryFolder();
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        await File.WriteAllTextAsync(
            folder.File("keys.json"),
            $$"""{ "keys": [ { "kty": "EC", "crv": "P-256", "x": "{{Base64Url.EncodeToString(point.X)}}", "y": "{{Base64Url.EncodeToString(point.Y)}}" } ] }""",
            TestContext.Current.CancellationToken);
        await using var federation = await ConsoleServer.StartAsync(folder.Path, security => security.Jwt = new() { Issuer = "i", Audience = "a", KeysFile = folder.File("keys.json") });

        // Ended already, and still taken, for clocks may differ: no more is told than what is there.
        var token = $"{Part("""{"alg":"ES256"}""")}.{Part($$"""{"iss":"i","aud":"a","sub":"ada","scope":"runs:read","exp":{{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 10}}}""")}";
        token += $".{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(token), HashAlgorithmName.SHA256))}";
        using var http = new HttpClient { BaseAddress = new Uri(federation.Url), Timeout = Product.Patience };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var stream = await http.GetAsync(new Uri("runs/events", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(200, (int)stream.StatusCode);

        static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
    }

    private static int RoundOf(SseItem<JsonElement> item) => item.Data.GetProperty("round").GetProperty("round").GetInt32();

    private async Task<List<SseItem<JsonElement>>> EventsAsync(Guid runId, string? last)
    {
        using var late = new CancellationTokenSource(Product.Patience);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"runs/{runId}/events", UriKind.Relative));
        if (last is not null)
        {
            request.Headers.Add("Last-Event-ID", last);
        }

        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, late.Token);
        await using var body = await response.Content.ReadAsStreamAsync(late.Token);
        var items = new List<SseItem<JsonElement>>();
        await foreach (var item in SseParser.Create(body, (_, data) => JsonSerializer.Deserialize<JsonElement>(Encoding.UTF8.GetString(data))).EnumerateAsync(late.Token))
        {
            items.Add(item);
        }

        return items;
    }
}
