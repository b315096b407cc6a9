using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>An Orchestrator and a PrivacyAccountant as services of their own, and no Aggregator.</summary>
public sealed class ForwardingTests(Browser browser) : IAsyncLifetime
{
    private const string Ledger = "services/privacy-accountant/";

    private static readonly string Both = ApiKey.New();
    private static readonly string WithoutLedgerThere = ApiKey.New();
    private static readonly string NotThere = ApiKey.New();

    /// <summary>May set budgets here, and not there.</summary>
    private static readonly string Operator = ApiKey.New();

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new() { Timeout = Product.Patience };
    private WebApplication? _accountant;
    private WebApplication? _orchestrator;

    public async ValueTask InitializeAsync()
    {
        _accountant = SplitServices.Compose("PrivacyAccountant", _folder, ledger: null, (Both, "runs:read ledger:read"), (WithoutLedgerThere, "runs:read"), (Operator, "runs:read runs:write ledger:read"));
        await _accountant.StartAsync(TestContext.Current.CancellationToken);
        _orchestrator = SplitServices.Compose("Orchestrator", _folder, _accountant, (Both, "runs:read ledger:read"), (WithoutLedgerThere, "runs:read ledger:read"), (NotThere, "runs:read ledger:read"), (Operator, "runs:read runs:write ledger:read ledger:admin"));
        await _orchestrator.StartAsync(TestContext.Current.CancellationToken);
        _http.BaseAddress = new Uri(_orchestrator.Urls.First());
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (var app in new[] { _orchestrator, _accountant }.OfType<WebApplication>())
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task The_callers_own_key_goes_along_and_decides_there_what_may_be_seen()
    {
        Assert.Equal(200, (await GetAsync("ledger/head", Both)).Status);
        Assert.Equal(200, (await GetAsync("quarantine/", Both)).Status);
        Assert.Equal((200, "[]"), await GetAsync("ledger/entries?after=0&limit=5", Both));
        Assert.Equal((200, "[]"), await GetAsync("ledger/clients/anna/forecast?unit=example&noiseMultiplier=1", Both));
        var (status, refusal) = await GetAsync("ledger/entries?limit=5000", Both);
        Assert.Equal((400, "limit is 5000: it must be from 1 to 1000."), (status, Detail(refusal)));
        Assert.Equal((404, "Client anna was never charged."), Detailed(await GetAsync("ledger/clients/anna", Both)));
        Assert.Equal((403, "1 may do runs:read; this needs ledger:read."), Detailed(await GetAsync("ledger/head", WithoutLedgerThere)));
        Assert.Equal((502, "privacy-accountant does not know this API key or token."), Detailed(await GetAsync("ledger/head", NotThere)));
        Assert.Equal(401, (await GetAsync("ledger/head", key: null)).Status);
    }

    [Theory]
    [InlineData("ledger/clients/..%2f..%2fmetrics", 400), InlineData("ledger/clients/anna%0a", 400), InlineData("quarantine/aggregator/1", 404), InlineData("quarantine/privacy-accountant/x", 404), InlineData("ledger/clients/%2e%2e", 404), InlineData("ledger/clients/a%3fb", 400), InlineData("ledger/clients/Anna", 400)]
    [InlineData("ledger/budgets", 405), InlineData("backup/", 404), InlineData("metrics", 404), InlineData("ledger/quarantine/ask", 404)]
    public async Task Nothing_is_asked_for_that_is_not_on_the_list(string path, int status) => Assert.Equal(status, (await GetAsync(path, Both)).Status);

    [Theory]
    [InlineData("DELETE", "quarantine/privacy-accountant/1", "runs:write"), InlineData("POST", "quarantine/privacy-accountant/1/replay", "runs:write"), InlineData("PUT", "ledger/budgets", "ledger:admin")]
    public async Task A_change_is_refused_here_already_to_whoever_lacks_the_scope(string method, string path, string scope)
    {
        // Not known there, so the refusal is not theirs.
        Assert.Equal((403, $"2 may do runs:read, ledger:read; this needs {scope}."), Detailed(await SendAsync(method, path, NotThere)));
        Assert.Equal(401, (await SendAsync(method, path, key: null)).Status);
    }

    [Fact]
    public async Task A_change_is_carried_out_there_with_what_is_sent_and_with_what_is_answered_there()
    {
        var budget = """{ "ledger": { "owner": "o", "dataSet": "d", "partitionRule": "whole", "partitionSeed": 0, "partitionIndex": 0 }, "unit": "example", "epsilon": 3, "delta": 1e-5 }""";
        Assert.Equal((403, "2 may do runs:read, runs:write, ledger:read; this needs ledger:admin."), Detailed(await SendAsync("PUT", "ledger/budgets", Operator, budget)));
        Assert.Equal((404, (string?)null), Detailed(await SendAsync("DELETE", "quarantine/privacy-accountant/1", Operator)));
        Assert.Equal(415, (await SendAsync("PUT", "ledger/budgets", Operator, budget, "text/plain")).Status);
        await _accountant!.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal((503, "privacy-accountant cannot be reached."), Detailed(await SendAsync("DELETE", "quarantine/privacy-accountant/1", Operator)));
    }

    [Fact]
    public async Task Where_a_service_is_away_the_console_says_so_and_shows_the_rest()
    {
        await _accountant!.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal((503, "privacy-accountant cannot be reached."), Detailed(await GetAsync("ledger/head", Both)));
        await using var tab = await browser.OpenAsync(_http.BaseAddress!);
        await tab.SignInAsync(Both, "quarantine");
        await Expect(tab.Page.Locator(".notice")).ToHaveCountAsync(2);
        await Expect(tab.Page.Locator(".notice").First).ToHaveTextAsync("Not everything can be shown: aggregator cannot be reached.");
        await Expect(tab.Page.GetByText("Nothing is quarantined.")).ToBeVisibleAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Runs" }).ClickAsync();
        await Expect(tab.Page.GetByText("No run yet.")).ToBeVisibleAsync();
        tab.AssertQuiet("503");
    }

    private Task<(int Status, string Body)> GetAsync(string path, string? key) => SendAsync("GET", path, key);

    private async Task<(int Status, string Body)> SendAsync(string method, string path, string? key, string? body = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(HttpMethod.Parse(method), new Uri(_http.BaseAddress!, Ledger + path))
        {
            Content = body is null ? null : new StringContent(body, new MediaTypeHeaderValue(type)),
        };
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static (int Status, string? Detail) Detailed((int Status, string Body) answer) => (answer.Status, Detail(answer.Body));

    private static string? Detail(string problem) => (string?)JsonNode.Parse(problem)!["detail"];
}
