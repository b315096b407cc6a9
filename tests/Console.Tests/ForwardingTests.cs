using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using FlEvents.EndToEnd.Tests;
using FlEvents.Orchestrator;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
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

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new() { Timeout = Product.Patience };
    private WebApplication? _accountant;
    private WebApplication? _orchestrator;

    public async ValueTask InitializeAsync()
    {
        _accountant = Compose("PrivacyAccountant", (Both, "runs:read ledger:read"), (WithoutLedgerThere, "runs:read"));
        await _accountant.StartAsync(TestContext.Current.CancellationToken);
        _orchestrator = Compose("Orchestrator", (Both, "runs:read ledger:read"), (WithoutLedgerThere, "runs:read ledger:read"), (NotThere, "runs:read ledger:read"));
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
    [InlineData("ledger/clients/..%2f..%2fmetrics", 400), InlineData("ledger/clients/%2e%2e", 404), InlineData("ledger/clients/a%3fb", 400), InlineData("ledger/clients/Anna", 400)]
    [InlineData("ledger/budgets", 404), InlineData("backup/", 404), InlineData("metrics", 404), InlineData("ledger/quarantine/ask", 404)]
    public async Task Nothing_is_asked_for_that_is_not_on_the_list(string path, int status) => Assert.Equal(status, (await GetAsync(path, Both)).Status);

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

    private WebApplication Compose(string service, params (string Key, string Scopes)[] keys)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration.AddInMemoryCollection(
        [
            new("Bus:Transport", "Memory"),
            new($"{service}:DataFolder", _folder.File(service)),
            new("Orchestrator:LedgerUrl", _accountant?.Urls.First()),
            new("Orchestrator:AggregatorUrl", $"http://127.0.0.1:{FreePort.Next()}"),
            .. keys.Index().SelectMany(key => new KeyValuePair<string, string?>[]
            {
                new($"Security:ApiKeys:{key.Index}:Sha256", ApiKey.Hash(key.Item.Key)),
                new($"Security:ApiKeys:{key.Index}:Scopes", key.Item.Scopes),
            }),
        ]);
        builder.AddServiceDefaults();
        if (service == "Orchestrator")
        {
            builder.AddOrchestrator();
            builder.AddBus(bus => bus.AddOrchestratorConsumers());
        }
        else
        {
            builder.AddPrivacyAccountant();
            builder.AddBus(bus => bus.AddPrivacyAccountantConsumers());
        }

        var app = builder.Build();
        app.MapServiceDefaults();
        if (service == "Orchestrator")
        {
            app.MapOrchestrator();
        }
        else
        {
            app.MapPrivacyAccountant();
        }

        return app;
    }

    private async Task<(int Status, string Body)> GetAsync(string path, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_http.BaseAddress!, Ledger + path));
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static (int Status, string? Detail) Detailed((int Status, string Body) answer) => (answer.Status, Detail(answer.Body));

    private static string? Detail(string problem) => (string?)JsonNode.Parse(problem)!["detail"];
}
