using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>A ledger that is put back from a backup (scenario S22): it charges nothing until everything that anyone knows of is in it again.</summary>
[Collection("host")]
public sealed class LedgerRestoreTests : IAsyncDisposable
{
    // Three tasks at z = 2 and order 8, where each costs 1 (LedgerBudgetTests).
    private static readonly string[] ThreeTasks =
    [
        "--PrivacyAccountant:Budgets:Client:Epsilon=4.7141092",
        "--PrivacyAccountant:Budgets:Client:Delta=1e-5",
        "--PrivacyAccountant:Budgets:Client:Alpha=8",
    ];

    private readonly LedgerFile _file = new();
    private readonly LedgerPartners _partners = new();
    private long _cost;
    private AccountantHost _host = null!;

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _file.DisposeAsync();
    }

    [Fact]
    public async Task S22_a_ledger_restored_from_a_backup_charges_nothing_until_it_is_reconciled_and_then_nothing_is_missing()
    {
        _host = await AccountantHost.StartAsync(_file.Folder, ThreeTasks);
        await ChargeAsync(round: 1);
        await _partners.CommitAsync(_host, Messages.Commit(Messages.RunA, 1));
        var backup = await _host.Http.GetByteArrayAsync("backup/privacy-accountant");
        var sequence = _host.Ledger.Head().Sequence;
        await ChargeAsync(round: 2);
        await _partners.CommitAsync(_host, Messages.Commit(Messages.RunA, 2));
        await ChargeAsync(round: 3);
        var spent = Spent();

        await RestartAsync(() => File.WriteAllBytes(_file.Path, backup));

        await AssertQuarantinedAsync(LedgerReason.Restored, sequence);
        await AssertNothingIsAnsweredAsync(sequence + 1);
        await ReconcileAsync();

        // The commit that waited, and the request: its budget is spent by what was lost.
        Assert.Equal(1, (await _host.NextAsync<BudgetCommitted>()).Round);
        Assert.Equal(3, (await _host.NextAsync<BudgetCommitted>()).Round);
        Assert.Equal(BudgetRefusalCode.BudgetExhausted, Assert.Single((await _host.NextAsync<BudgetRefused>()).Refused).ReasonCode);
        Assert.Equal(spent, Spent());
        AssertVerifies();
    }

    [Fact]
    public async Task S22_a_bare_copy_of_an_older_ledger_is_found_by_the_newest_receipt_and_goes_on_reconciled()
    {
        _host = await AccountantHost.StartAsync(_file.Folder, ThreeTasks);
        await ChargeAsync(round: 1);
        var older = Path.Combine(_file.Folder, "older");
        var sequence = _host.Ledger.Head().Sequence;
        await RestartAsync(() => File.Copy(_file.Path, older));
        await ChargeAsync(round: 2);
        var spent = Spent();

        await RestartAsync(() => File.Copy(older, _file.Path, overwrite: true));

        // Nobody told it. The first request does, and is not answered.
        Assert.Equal(HttpStatusCode.OK, (await _host.Http.GetAsync("health")).StatusCode);
        await _host.SendAsync(Charged(round: 3) with { LastReceipt = _partners.Newest });
        Assert.Null(await _host.HandledAsync<ReserveBudget>());
        await AssertQuarantinedAsync(LedgerReason.ReceiptMissing, sequence);
        Assert.Equal(spent - _cost, Spent());
        await ReconcileAsync();

        Assert.Equal(["anna"], (await AnsweredAsync(round: 3)).ClientIds);
        Assert.Equal(spent + _cost, Spent());
        AssertVerifies();
    }

    [Fact]
    public async Task A_commit_for_clients_whose_charges_are_gone_lets_no_model_out_before_they_are_back()
    {
        _host = await AccountantHost.StartAsync(_file.Folder, ThreeTasks);
        await ChargeAsync(round: 1);
        var older = Path.Combine(_file.Folder, "older");
        await RestartAsync(() => File.Copy(_file.Path, older));
        await ChargeAsync(round: 2);
        await RestartAsync(() => File.Copy(older, _file.Path, overwrite: true));
        var commit = Messages.Commit(Messages.RunA, 2) with { Charged = 1, ModelSha256 = new string('d', 64) };

        await _host.SendAsync(commit);
        Assert.Null(await _host.HandledAsync<CommitBudget>());
        await AssertQuarantinedAsync(LedgerReason.ChargesMissing, after: 3);
        Assert.False(_host.HasMore<BudgetCommitted>());
        await ReconcileAsync();

        var answer = await _host.NextAsync<BudgetCommitted>();
        Assert.Equal((2, commit.ModelSha256), (answer.Round, answer.ModelSha256));
        Assert.Equal(2 * _cost, Spent());
        AssertVerifies();
    }

    [Fact]
    public async Task A_ledger_that_was_lost_altogether_is_found_and_told_everything()
    {
        _host = await AccountantHost.StartAsync(_file.Folder, ThreeTasks);
        await ChargeAsync(round: 1);
        await ChargeAsync(round: 2);
        var spent = Spent();

        await RestartAsync(() => File.Delete(_file.Path));
        await _host.SendAsync(Charged(round: 3) with { LastReceipt = _partners.Newest });
        await ReconcileAsync();

        Assert.Equal(["anna"], (await AnsweredAsync(round: 3)).ClientIds);
        Assert.Equal(spent + _cost, Spent());
        AssertVerifies();
    }

    [Fact]
    public async Task While_one_who_should_know_was_restored_itself_only_a_person_can_end_the_quarantine_and_their_reason_is_in_the_log()
    {
        var partners = new LedgerPartners { KnownSince = TimeProvider.System.GetUtcNow().AddDays(1) };
        _host = await AccountantHost.StartAsync(_file.Folder);
        await partners.ReserveAsync(_host, Charged(round: 1));
        var backup = await _host.Http.GetByteArrayAsync("backup/privacy-accountant");
        await RestartAsync(() => File.WriteAllBytes(_file.Path, backup));
        var lost = new LedgerReceipt { Sequence = 99, Hash = new string('9', 64) };
        await _host.SendAsync(Charged(round: 2) with { LastReceipt = lost });
        await _host.SendAsync(Messages.Commit(Messages.RunB, 7) with { Charged = 3, ModelSha256 = new string('d', 64) });
        Assert.Null(await _host.HandledAsync<CommitBudget>());

        await partners.ReportAsync(_host);
        var view = await EventuallyAsync(found => found.Obstacles.Count == 3);

        Assert.Collection(
            view.Obstacles,
            obstacle => Assert.Contains("The orchestrator was restored itself", obstacle, StringComparison.Ordinal),
            obstacle => Assert.Contains("entry 99", obstacle, StringComparison.Ordinal),
            obstacle => Assert.Contains("all 3 clients that were charged in round 7", obstacle, StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (await AcceptAsync(" "), await AcceptAsync("volumes of 1 March are gone")));

        // A round that nobody vouches for is committed for no model: its model stays where it is.
        Assert.Equal(["anna"], (await AnsweredAsync(round: 2)).ClientIds);
        Assert.Null((await _host.NextAsync<BudgetCommitted>()).ModelSha256);
        var entries = _host.Ledger.Entries(after: 0, limit: 100);
        Assert.Equal("ACCEPTED: volumes of 1 March are gone", entries.Single(entry => entry.Kind == EntryKind.Release).Reason);
        Assert.Null(LedgerVerification.FirstFault(entries, [.. partners.Receipts, lost]));
        Assert.Equal(HttpStatusCode.Conflict, await AcceptAsync("again"));
    }

    [Fact]
    public async Task A_quarantine_lasts_over_restarts_and_a_copy_taken_in_one_asks_for_as_much_as_it_did()
    {
        _host = await AccountantHost.StartAsync(_file.Folder);
        await ChargeAsync(round: 1);
        var first = await _host.Http.GetByteArrayAsync("backup/privacy-accountant");
        await ChargeAsync(round: 2);
        await RestartAsync(() => File.WriteAllBytes(_file.Path, first));
        var asked = await _host.AskedAsync(LedgerReporter.Orchestrator);
        var second = await _host.Http.GetByteArrayAsync("backup/privacy-accountant");

        await RestartAsync(() => File.WriteAllBytes(_file.Path, second));

        var (anew, causes) = (await LastAskedAsync(), (await ViewAsync()).Causes);
        Assert.Equal((asked.AfterSequence, asked.Since), (anew.AfterSequence, anew.Since));
        Assert.NotEqual(asked.Quarantine, anew.Quarantine);
        Assert.Equal(2, causes.Count);

        // What is told for the first is not of this one.
        var entries = _host.Ledger.Head().Sequence;
        await _host.SendAsync(new LedgerReport { Quarantine = asked.Quarantine, Service = LedgerReporter.Orchestrator, NextCursor = null, KnownSince = null, RunId = null, RoundId = null, Round = null, Attempt = null, Clients = [], Receipts = [] });
        Assert.Null(await _host.HandledAsync<LedgerReport>());
        Assert.Equal((entries, 2), (_host.Ledger.Head().Sequence, (await ViewAsync()).Obstacles.Count));
    }

    private static ReserveBudget Charged(int round) => Messages.Gaussian(Messages.Reserve(Messages.RunA, round, 1, "anna@north"));

    private async Task ChargeAsync(int round)
    {
        await _partners.ReserveAsync(_host, Charged(round));
        _cost = round == 1 ? Spent() : _cost;
    }

    private async Task<BudgetReserved> AnsweredAsync(int round)
    {
        while (true)
        {
            if (await _host.NextAsync<BudgetReserved>() is var answer && answer.Round == round)
            {
                return answer;
            }
        }
    }

    private long Spent() => Assert.Single(_host.Ledger.LedgersOf("anna")).Units.Single(unit => unit.Unit == PrivacyUnit.Client).SpentUnits;

    private async Task ReconcileAsync()
    {
        await _partners.ReportAsync(_host);
        await EventuallyAsync(view => !view.IsQuarantined);
        Assert.Equal(HttpStatusCode.OK, (await _host.Http.GetAsync("health")).StatusCode);
        Assert.Contains("\nfl_ledger_quarantined 0\n", await _host.Http.GetStringAsync("metrics"), StringComparison.Ordinal);
    }

    // Also of the log as it is shown: every receipt that was ever given out is held, or told to be lost.
    private void AssertVerifies() => Assert.Null(LedgerVerification.FirstFault(_host.Ledger.Entries(after: 0, limit: 1000), [.. _partners.Receipts]));

    private async Task AssertQuarantinedAsync(string reason, long after)
    {
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _host.Http.GetAsync("health")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _host.Http.GetAsync("alive")).StatusCode);
        Assert.Contains("\nfl_ledger_quarantined 1\n", await _host.Http.GetStringAsync("metrics"), StringComparison.Ordinal);
        var entry = Assert.Single(_host.Ledger.Entries(after, limit: 10));
        Assert.Equal((EntryKind.Quarantine, reason, after + 1), (entry.Kind, entry.Reason, entry.Sequence));
        Assert.NotNull(LedgerVerification.FirstFault(_host.Ledger.Entries(after: 0, limit: 1000), [.. _partners.Receipts]));
    }

    private async Task AssertNothingIsAnsweredAsync(long sequence)
    {
        await _host.SendAsync(Messages.Commit(Messages.RunA, 3));
        Assert.Null(await _host.HandledAsync<CommitBudget>());
        await _host.SendAsync(Messages.Refund(Messages.RunA, 3, "anna", 1));
        Assert.Null(await _host.HandledAsync<RefundBudget>());
        await _host.SendAsync(Messages.Gaussian(Messages.Reserve(Messages.RunB, 1, 1, "anna@north")));
        Assert.Null(await _host.HandledAsync<ReserveBudget>());
        Assert.Equal(sequence, _host.Ledger.Head().Sequence);
        Assert.Equal(3, (await ViewAsync()).Held);

        // What is in the copy's outbox comes again, of a round that is over: nothing else does.
        Assert.All(
            _host.Ledger.Database.Read(transaction => transaction.Query<(string Type, int? Round)>("select type, round from outbox where type like 'Budget%'")),
            sent => Assert.Equal(1, sent.Round));
    }

    private async Task RestartAsync(Action replace)
    {
        await _host.DisposeAsync();
        Assert.False(File.Exists($"{_file.Path}-wal"), "A service that was stopped leaves the whole ledger in one file.");
        replace();
        _host = await AccountantHost.StartAsync(_file.Folder, ThreeTasks);
    }

    private async Task<ReconcileLedger> LastAskedAsync()
    {
        var view = await ViewAsync();
        while (true)
        {
            if (await _host.AskedAsync(LedgerReporter.Orchestrator) is var asked && asked.Quarantine == view.Entry)
            {
                return asked;
            }
        }
    }

    private async Task<LedgerQuarantineView> ViewAsync() => (await _host.Http.GetFromJsonAsync<LedgerQuarantineView>("ledger/quarantine", JsonSerializerOptions.Web))!;

    private async Task<LedgerQuarantineView> EventuallyAsync(Func<LedgerQuarantineView, bool> holds)
    {
        using var hung = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var view = await ViewAsync();
            if (holds(view))
            {
                return view;
            }

            await Task.Delay(10, hung.Token);
        }
    }

    private async Task<HttpStatusCode> AcceptAsync(string reason) => (await _host.Http.PostAsJsonAsync("ledger/quarantine/accept", new { reason })).StatusCode;
}
