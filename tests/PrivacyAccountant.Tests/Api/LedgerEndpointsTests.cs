using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

[Collection("host")]
public sealed class LedgerEndpointsTests : IAsyncLifetime
{
    private readonly LedgerFile _file = new();
    private AccountantHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await AccountantHost.StartAsync(_file.Folder);

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _file.DisposeAsync();
    }

    [Fact]
    public async Task The_head_of_an_empty_ledger_is_sequence_0() =>
        Assert.Equal(LedgerChain.Empty, await _host.Http.GetFromJsonAsync<LedgerReceipt>("ledger/head"));

    [Fact]
    public async Task Entries_are_read_in_pages_and_verify_as_they_came()
    {
        await ChargeAsync("anna@north", "ben@south");

        var first = await _host.Http.GetFromJsonAsync<List<LedgerEntry>>("ledger/entries?limit=3");
        var rest = await _host.Http.GetFromJsonAsync<List<LedgerEntry>>("ledger/entries?after=3");

        Assert.Equal([1, 2, 3], first!.Select(entry => entry.Sequence));
        Assert.Equal([4], rest!.Select(entry => entry.Sequence));
        Assert.Null(LedgerVerification.FirstFault([.. first!, .. rest!], (await _host.Http.GetFromJsonAsync<LedgerReceipt>("ledger/head"))!));
    }

    [Fact]
    public async Task An_entry_speaks_the_words_of_the_wire()
    {
        await ChargeAsync("anna@north");

        var entry = (await _host.Http.GetFromJsonAsync<JsonElement>("ledger/entries"))[0];

        Assert.Equal(("reserve", "example", "unbounded"), (entry.GetProperty("kind").GetString(), entry.GetProperty("unit").GetString(), entry.GetProperty("charge").GetString()));
    }

    [Fact]
    public async Task A_client_sees_what_its_data_has_spent()
    {
        await ChargeAsync("anna@north");

        var view = await _host.Http.GetFromJsonAsync<ClientLedgersView>("ledger/clients/anna");

        var ledger = Assert.Single(view!.Ledgers);
        Assert.Equal(Messages.LedgerOf("north"), ledger.Ledger);
        Assert.All(ledger.Units, unit => Assert.Equal((1, "unbounded"), (unit.Reserved, unit.Spent)));
    }

    [Theory]
    [InlineData("ledger/clients/dora", HttpStatusCode.NotFound, "Client dora was never charged.")]
    [InlineData("ledger/clients/Dora", HttpStatusCode.BadRequest, "clientId is \"Dora\": it must be 1 to 64 of a-z, 0-9 and -.")]
    [InlineData("ledger/entries?after=-1", HttpStatusCode.BadRequest, "after is -1: it must be 0 or more.")]
    [InlineData("ledger/entries?limit=0", HttpStatusCode.BadRequest, "limit is 0: it must be from 1 to 1000.")]
    [InlineData("ledger/entries?limit=1001", HttpStatusCode.BadRequest, "limit is 1001: it must be from 1 to 1000.")]
    public async Task A_wrong_question_gets_one_clear_answer(string path, HttpStatusCode status, string detail)
    {
        using var response = await _host.Http.GetAsync(path);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(detail, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Metrics_count_entries_and_refusals_and_show_the_head()
    {
        Assert.Contains("\nfl_ledger_head_sequence 0\n", await _host.Http.GetStringAsync("metrics"), StringComparison.Ordinal);
        await ChargeAsync("anna@north", "ben@north");
        Assert.Null(await _host.HandledAsync<ReserveBudget>());

        var metrics = await _host.Http.GetStringAsync("metrics");

        Assert.Contains("\nfl_ledger_entries_total{kind=\"reserve\"} 2\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nfl_budget_refusals_total{reason=\"OWNER_ALREADY_IN_ROUND\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\nfl_ledger_head_sequence 2\n", metrics, StringComparison.Ordinal);

        // Budgets are told by client; those that are here are another host's, since all of a process show theirs.
        Assert.DoesNotContain(metrics.Split('\n'), line => line.Contains("anna", StringComparison.Ordinal) && !line.StartsWith("fl_privacy_", StringComparison.Ordinal));
    }

    private async Task ChargeAsync(params string[] clients)
    {
        await _host.SendAsync(Messages.Reserve(clients));
        await _host.NextAsync<BudgetReserved>();
    }
}
