using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace FlEvents.Console.Tests;

/// <summary>What an operator decides from the console, over services of their own: what came of it is asked of each service itself.</summary>
public sealed class OperatorTests(Browser browser) : IAsyncLifetime
{
    /// <summary>Named 0; may do all.</summary>
    private static readonly string Operator = ApiKey.New();

    /// <summary>Named 1; may look at all.</summary>
    private static readonly string Reader = ApiKey.New();

    private static readonly (string, string)[] Keys = [(Operator, "runs:read runs:write ledger:read ledger:admin"), (Reader, "runs:read ledger:read")];
    private static readonly Guid RunId = Guid.NewGuid();
    private static readonly LedgerIdentity Ledger = new() { Owner = "st-mary-trust", DataSet = "digits", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 };

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _orchestrated = new() { Timeout = Product.Patience };
    private readonly HttpClient _accounted = new() { Timeout = Product.Patience };
    private WebApplication? _accountant;
    private WebApplication? _orchestrator;

    public async ValueTask InitializeAsync()
    {
        _accountant = SplitServices.Compose("PrivacyAccountant", _folder, ledger: null, Keys);
        await _accountant.StartAsync(TestContext.Current.CancellationToken);
        _orchestrator = SplitServices.Compose("Orchestrator", _folder, _accountant, Keys);
        await _orchestrator.StartAsync(TestContext.Current.CancellationToken);
        foreach (var (http, app) in new[] { (_orchestrated, _orchestrator), (_accounted, _accountant) })
        {
            http.BaseAddress = new Uri(app.Urls.First());
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Operator);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _orchestrated.Dispose();
        _accounted.Dispose();
        foreach (var app in new[] { _orchestrator, _accountant }.OfType<WebApplication>())
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        _folder.Dispose();
    }

    [Fact]
    public async Task A_quarantined_message_is_looked_at_and_sent_again_or_forgotten_and_the_ledgers_service_notes_by_whom()
    {
        await QuarantineAsync(nameof(ReserveBudget), JsonSerializer.Serialize(Charge, JsonSerializerOptions.Web), "POISON", "round is 0: it must be at least 1.");
        await QuarantineAsync(type: null, "<script>document.title='owned'</script>", "UNREADABLE", "It is no JSON.");
        var newest = await _orchestrated.GetFromJsonAsync<JsonElement>("services/privacy-accountant/quarantine/?newest=true&limit=1", TestContext.Current.CancellationToken);
        Assert.Equal(2, Assert.Single(newest.EnumerateArray()).GetProperty("id").GetInt64());
        await using var tab = await browser.OpenAsync(_orchestrated.BaseAddress!);
        var page = tab.Page;
        await tab.SignInAsync(Operator, "quarantine");
        var charge = page.GetByRole(AriaRole.Row, new() { Name = "ReserveBudget" });
        var unreadable = page.GetByRole(AriaRole.Row, new() { Name = "unreadable" });
        await charge.Locator("summary").ClickAsync();
        await Expect(charge.Locator("pre")).ToContainTextAsync("st-mary-trust");
        await unreadable.Locator("summary").ClickAsync();
        await Expect(unreadable.Locator("pre")).ToHaveTextAsync("<script>document.title='owned'</script>");
        await Expect(unreadable.GetByRole(AriaRole.Button, new() { Name = "Replay" })).ToHaveCountAsync(0);
        await tab.PictureAsync("quarantine");

        // A double click is one press, and asks.
        await charge.GetByRole(AriaRole.Button, new() { Name = "Replay" }).ClickAsync();
        var sure = charge.GetByRole(AriaRole.Button, new() { Name = "Send privacy-accountant 1 again?" });
        await sure.DispatchEventAsync("click", new { detail = 2 });
        await Expect(sure).ToBeVisibleAsync();
        Assert.Equal(2, await CountAsync());
        await sure.ClickAsync();
        await Expect(charge).ToHaveCountAsync(0);
        await Eventually.HoldsAsync("the ledger is charged", async () => (await _accounted.GetFromJsonAsync<JsonElement>("ledger/entries", TestContext.Current.CancellationToken)).GetArrayLength() > 0);

        // By the keyboard: Escape leaves it, two presses do it.
        await tab.TabToAsync("document.activeElement.textContent === 'Discard'");
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.PressAsync("Escape");
        await Expect(unreadable.GetByRole(AriaRole.Button, new() { Name = "Discard" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByText("Nothing is quarantined.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Look again" })).ToBeFocusedAsync();
        Assert.Equal(0, await CountAsync());
        Assert.Equal(
            ["0 POST /quarantine/privacy-accountant/1/replay 204", "0 DELETE /quarantine/privacy-accountant/2 204"],
            await AuditAsync(_accounted));
        Assert.Equal(
            ["0 POST /services/privacy-accountant/quarantine/privacy-accountant/1/replay 204", "0 DELETE /services/privacy-accountant/quarantine/privacy-accountant/2 204"],
            await AuditAsync(_orchestrated));
        tab.AssertQuiet("503");
    }

    [Fact]
    public async Task Whoever_may_only_look_is_offered_no_change_and_is_refused_one()
    {
        await QuarantineAsync(nameof(ReserveBudget), JsonSerializer.Serialize(Charge, JsonSerializerOptions.Web), "POISON", "round is 0: it must be at least 1.");
        using var client = new Invited(_orchestrated);
        await client.JoinAsync("st-mary", Ledger.Owner);
        await using var tab = await browser.OpenAsync(_orchestrated.BaseAddress!);
        var page = tab.Page;
        await tab.SignInAsync(Reader, "quarantine");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "ReserveBudget" })).ToBeVisibleAsync();
        await Expect(page.Locator("main .do button")).ToHaveCountAsync(0);
        await tab.GoAsync("enrolment");
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "st-mary" })).ToContainTextAsync("active");
        await Expect(page.Locator("main .do button, main form")).ToHaveCountAsync(0);
        await tab.GoAsync("clients/st-mary");
        await Expect(page.GetByText("Never charged, no budget set").First).ToBeVisibleAsync();
        await Expect(page.Locator("main form")).ToHaveCountAsync(0);

        // As a page would that offers it all the same.
        var statuses = await page.EvaluateAsync<int[]>("""
            async () => {
                const { api } = await import(new URL("api.js", location.href));
                const status = change => change.then(() => 200, error => error.status);
                return [
                    await status(api.delete("services/privacy-accountant/quarantine/privacy-accountant/1")),
                    await status(api.post("services/privacy-accountant/quarantine/privacy-accountant/1/replay")),
                    await status(api.put("services/privacy-accountant/ledger/budgets", {})),
                    await status(api.post("enrolments/", { clientId: "eve", owner: "eve" })),
                    await status(api.post("enrolments/st-mary/suspend")),
                ];
            }
            """);
        Assert.Equal([403, 403, 403, 403, 403], statuses);
        Assert.Equal(1, await CountAsync());
        tab.AssertQuiet("503", "403", "404");
    }

    [Fact]
    public async Task A_budget_is_set_on_the_clients_page_beside_what_is_spent_and_stands_in_the_ledger()
    {
        using var client = new Invited(_orchestrated);
        await client.JoinAsync("st-mary", Ledger.Owner);
        await QuarantineAsync(nameof(ReserveBudget), JsonSerializer.Serialize(Charge, JsonSerializerOptions.Web), "POISON", "…");
        using var replayed = await _accounted.PostAsync("quarantine/privacy-accountant/1/replay", content: null, TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync("the ledger is charged", async () => (await _accounted.GetFromJsonAsync<JsonElement>("ledger/entries", TestContext.Current.CancellationToken)).GetArrayLength() > 0);
        await using var tab = await browser.OpenAsync(_orchestrated.BaseAddress!);
        var page = tab.Page;
        await tab.SignInAsync(Operator, "clients");
        await page.GetByRole(AriaRole.Link, new() { Name = "st-mary" }).ClickAsync();
        var budget = page.GetByRole(AriaRole.Region, new() { Name = "Budget of digits per example" });
        await Expect(budget).ToContainTextAsync("Spent so far: Rényi divergence");
        var set = budget.GetByRole(AriaRole.Button, new() { Name = "Set budget" });
        await budget.GetByLabel("ε", new() { Exact = true }).FillAsync("-1");
        await Expect(budget.GetByText("Expected a number above 0.").First).ToBeVisibleAsync();
        await set.ClickAsync();
        await Expect(budget.GetByLabel("ε", new() { Exact = true })).ToBeFocusedAsync();
        await budget.GetByLabel("ε", new() { Exact = true }).FillAsync("4");
        await budget.GetByLabel("δ", new() { Exact = true }).FillAsync("2");
        await Expect(budget.GetByText("Expected a number between 0 and 1, such as 1e-5.")).ToBeVisibleAsync();
        await budget.GetByLabel("δ", new() { Exact = true }).FillAsync("1e-6");
        await tab.PictureAsync("client");
        await set.ClickAsync();
        Assert.Equal(JsonValueKind.Null, (await UnitAsync()).GetProperty("budget").ValueKind);
        await budget.GetByRole(AriaRole.Button, new() { Name = "Set ε = 4 at δ = 0.000001 for digits of st-mary-trust?" }).ClickAsync();
        await Expect(budget.GetByText("at δ = 0.000001 spent of ε = 4 at δ = 0.000001")).ToBeVisibleAsync();
        var kept = (await UnitAsync()).GetProperty("budget");
        Assert.Equal((4, 1e-6), (kept.GetProperty("epsilon").GetDouble(), kept.GetProperty("delta").GetDouble()));

        // Below what is spent, and above what was allowed, are said before they are set.
        await budget.GetByLabel("ε", new() { Exact = true }).FillAsync("0.1");
        await Expect(budget.GetByText("is spent already: nothing more would be admitted.")).ToBeVisibleAsync();
        await budget.GetByLabel("ε", new() { Exact = true }).FillAsync("5");
        await Expect(budget.GetByText("That is more than the ε 4 that its owner has allowed so far.")).ToBeVisibleAsync();
        Assert.Equal(["0 PUT /ledger/budgets 200"], (await AuditAsync(_accounted)).Where(row => row.Contains("budgets", StringComparison.Ordinal)));
        tab.AssertQuiet();
    }

    [Fact]
    public async Task A_client_is_invited_approved_for_its_owner_suspended_resumed_and_revoked_by_the_keyboard_alone()
    {
        using var client = new Invited(_orchestrated);
        await using var tab = await browser.OpenAsync(_orchestrated.BaseAddress!);
        var (page, keyboard) = (tab.Page, tab.Page.Keyboard);
        await tab.SignInAsync(Operator, "enrolment");
        await tab.TabToAsync("document.activeElement.id === 'invite-client'");
        await keyboard.TypeAsync("St Mary");
        await Expect(page.Locator("#invite-client-e")).ToHaveTextAsync("Expected 1 to 64 of a-z, 0-9 and -.");
        await keyboard.PressAsync("Control+A");
        await keyboard.TypeAsync("st-mary");
        await tab.TabToAsync("document.activeElement.id === 'invite-owner'");
        await keyboard.TypeAsync("st-mary-trust");
        await keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("One-time token")).ToBeFocusedAsync();
        var token = await page.GetByLabel("One-time token").InputValueAsync();
        await tab.PictureAsync("enrolment-token");
        await client.EnrolAsync(token);
        await tab.TabToAsync("document.activeElement.textContent === 'I have it'");
        await keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("One-time token")).ToHaveCountAsync(0);
        Assert.DoesNotContain(token, await page.ContentAsync(), StringComparison.Ordinal);

        await page.GetByRole(AriaRole.Button, new() { Name = "Look again" }).FocusAsync();
        await keyboard.PressAsync("Enter");
        var row = page.GetByRole(AriaRole.Row, new() { Name = "st-mary" });
        await Expect(row).ToContainTextAsync($"waits: {client.KeySha256}");
        await tab.PictureAsync("enrolment");
        await PressAsync("Approve", $"Charge st-mary to st-mary-trust and let key {client.KeySha256[..8]}… in? Compare the whole key with st-mary-trust first.", "active");
        await PressAsync("Suspend", "Suspend st-mary: neither draw nor hear it?", "suspended");
        await PressAsync("Resume", "Draw and hear st-mary again?", "active");
        await PressAsync("Revoke", "End the enrolment of st-mary for good?", "revoked");
        Assert.Equal(
            ["0 POST /enrolments/ 201", "0 POST /enrolments/st-mary/approve 200", "0 POST /enrolments/st-mary/suspend 200", "0 POST /enrolments/st-mary/resume 200", "0 POST /enrolments/st-mary/revoke 200"],
            await AuditAsync(_orchestrated));
        tab.AssertQuiet();

        async Task PressAsync(string action, string question, string state)
        {
            await tab.TabToAsync($"document.activeElement.textContent === '{action}'");
            await keyboard.PressAsync("Enter");
            await Expect(row.GetByRole(AriaRole.Button, new() { Name = question })).ToBeFocusedAsync();
            await keyboard.PressAsync("Enter");
            await Expect(row).ToContainTextAsync(state);
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Look again" })).ToBeFocusedAsync();
            Assert.Equal(state, (await _orchestrated.GetFromJsonAsync<JsonElement>("enrolments/", TestContext.Current.CancellationToken))[0].GetProperty("state").GetString());
        }
    }

    private static ReserveBudget Charge => new()
    {
        RunId = RunId,
        RoundId = ReservationId.OfRound(RunId, 1),
        Round = 1,
        Attempt = 1,
        Clients = [new ReservationRequest { ClientId = "st-mary", Ledger = Ledger, Charges = [.. Enum.GetValues<PrivacyUnit>().Select(unit => new PrivacyCharge { Unit = unit, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = 3 })] }],
    };

    private Task<bool> QuarantineAsync(string? type, string body, string reason, string detail) => _accountant!.Services.GetRequiredService<LedgerStore>().Database.WriteAsync(
        transaction =>
        {
            QuarantineStore.Add(transaction, Routes.PrivacyAccountant, Guid.NewGuid(), type, body, reason, detail);
            return true;
        },
        TestContext.Current.CancellationToken);

    private async Task<int> CountAsync() => (await _accounted.GetFromJsonAsync<JsonElement>("quarantine/", TestContext.Current.CancellationToken)).GetArrayLength();

    private async Task<JsonElement> UnitAsync() =>
        (await _accounted.GetFromJsonAsync<JsonElement>("ledger/clients/st-mary", TestContext.Current.CancellationToken)).GetProperty("ledgers")[0].GetProperty("units").EnumerateArray().Single(unit => unit.GetProperty("unit").GetString() == "example");

    /// <summary>Who asked for what, and what was answered, in order.</summary>
    private static async Task<List<string>> AuditAsync(HttpClient http)
    {
        var rows = (await http.GetFromJsonAsync<List<AuditRow>>("audit?limit=1000", TestContext.Current.CancellationToken))!;
        return [.. from asked in rows where asked.Step == AuditStep.Asked select $"{asked.Who} {asked.Method} {asked.Path} {rows.Single(row => row.Answers == asked.Sequence).Status}"];
    }

    /// <summary>A client beyond the HTTPS edge that enrols.</summary>
    private sealed class Invited(HttpClient http) : IDisposable
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public string KeySha256 => ClientKey.NameOf(ClientKey.PublicOf(_key))!;

        public void Dispose() => _key.Dispose();

        public async Task EnrolAsync(string token)
        {
            var publicKey = ClientKey.PublicOf(_key);
            using var answer = await http.PostAsJsonAsync("edge/enrolment", new { token, publicKey, dataSets = new[] { new { dataSet = "digits", exampleCount = 100 } }, signature = ClientKey.Sign(_key, $"enrol-v1|{token}|{publicKey}") });
            Assert.Equal(202, (int)answer.StatusCode);
        }

        public async Task JoinAsync(string clientId, string owner)
        {
            using var invited = await http.PostAsJsonAsync("enrolments", new { clientId, owner });
            await EnrolAsync((await invited.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("token").GetString()!);
            using var approved = await http.PostAsJsonAsync($"enrolments/{clientId}/approve", new { keySha256 = KeySha256 });
            Assert.Equal(200, (int)approved.StatusCode);
        }
    }
}
