using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>How a log that lost entries is made whole, and what a stranger who reads it finds.</summary>
public class RecoveryTests
{
    private static readonly LedgerReceipt Lost = new() { Sequence = 5, Hash = new string('f', 64) };
    private readonly LedgerWorld _world = new();
    private readonly List<LedgerEntry> _entries;

    public RecoveryTests()
    {
        _world.SetBudget("north", PrivacyUnit.Client, new BudgetTerms { Rho = 0.2 });
        _world.Apply(Messages.Gaussian(Messages.Reserve("anna@north")));
        _entries = [.. _world.Entries];
    }

    [Fact]
    public void Charges_that_were_made_before_are_entered_as_committed_ones_also_past_the_budget_and_once()
    {
        var decision = Told(Messages.Reserve(Messages.RunA, 2, 1, "anna@north", "ben@south"), [Lost]);

        Assert.Equal(
            [
                (EntryKind.Reserve, "anna"), (EntryKind.Reserve, "anna"), (EntryKind.Commit, "anna"), (EntryKind.Commit, "anna"),
                (EntryKind.Reserve, "ben"), (EntryKind.Reserve, "ben"), (EntryKind.Commit, "ben"), (EntryKind.Commit, "ben"), (EntryKind.Reconcile, null),
            ],
            decision.Entries.Select(entry => (entry.Kind, entry.ClientId)));
        // ρ of 0.2 has room for one of 0.125.
        Assert.Equal(250_000_002, decision.State.Accounts[new AccountKey(LedgerId.Of(Messages.LedgerOf("north")), PrivacyUnit.Client)].Spent);
        Assert.Empty(decision.Messages);
        var again = Recovery.On(decision.State, Report(Messages.Reserve(Messages.RunA, 2, 1, "anna@north", "ben@south")), [], new LedgerPolicy(), Messages.Noon);
        Assert.Empty(again.Entries);
    }

    [Fact]
    public void What_the_log_holds_is_not_entered_again_whatever_its_state()
    {
        _world.Apply(Messages.Gaussian(Messages.Reserve(Messages.RunB, 1, 1, "ben@south")));
        _world.Apply(Messages.Refund(Messages.RunB, 1, "ben", 1));
        Assert.Empty(Recovery.On(_world.StateOf(Messages.RunA, 1), Report(Messages.Reserve("anna@north")), [], new LedgerPolicy(), Messages.Noon).Entries);
        Assert.Empty(Recovery.On(_world.StateOf(Messages.RunB, 1), Report(Messages.Reserve(Messages.RunB, 1, 1, "ben@south")), [], new LedgerPolicy(), Messages.Noon).Entries);
    }

    [Fact]
    public void A_ledger_that_is_told_of_first_by_a_report_gets_the_budget_that_it_would_have_got()
    {
        var policy = new LedgerPolicy { Defaults = new Dictionary<PrivacyUnit, BudgetTerms> { [PrivacyUnit.Example] = new() { Rho = 0.1 } } };

        var decision = Recovery.On(_world.StateOf(Messages.RunA, 2), Report(Messages.Reserve(Messages.RunA, 2, 1, "ben@south")), [], policy, Messages.Noon);

        var account = decision.State.Accounts[new AccountKey(LedgerId.Of(Messages.LedgerOf("south")), PrivacyUnit.Example)];
        Assert.Equal((0.1, 125_000_001), (account.Budget!.Rho, account.Spent));
    }

    [Fact]
    public void A_reconciled_log_has_no_fault_and_accounts_for_the_receipt_that_was_lost()
    {
        Append(Recovery.Begin(Head, new QuarantineCause { Code = LedgerReason.ReceiptMissing, Receipt = Lost }, Messages.Noon));
        Assert.Equal(5, LedgerVerification.FirstFault(_entries, Lost)?.Sequence);
        Append(Told(Messages.Reserve(Messages.RunA, 2, 1, "anna@north"), [Lost]));
        Append(Recovery.End(Head, [], LedgerReason.Reconciled, held: 2, Messages.Noon));

        Assert.Null(LedgerVerification.FirstFault(_entries, Lost, Head));
        Assert.Equal((EntryKind.Release, LedgerReason.Reconciled, """{"held":2}"""), (_entries[^1].Kind, _entries[^1].Reason, _entries[^1].Event));
        Assert.NotNull(LedgerVerification.FirstFault(_entries, Lost with { Hash = new string('e', 64) }));
        Assert.NotNull(LedgerVerification.FirstFault(_entries, Lost with { Sequence = 99 }));
    }

    [Fact]
    public void A_charge_in_a_quarantine_that_is_not_one_made_before_is_found()
    {
        Append(Recovery.Begin(Head, new QuarantineCause { Code = LedgerReason.Restored }, Messages.Noon));
        Faulty("made while the ledger was quarantined", head => LedgerChain.Append(head, EntryKind.Reserve, Open("ben"), null, Messages.Noon));
        Append(Recovery.End(Head, [], LedgerReason.Reconciled, held: 0, Messages.Noon));
        Faulty("made before, outside of a quarantine", head => LedgerChain.Append(head, EntryKind.Reserve, Open("ben"), LedgerReason.Reconciled, Messages.Noon));
        Faulty("stands outside of a quarantine", head => LedgerChain.Append(head, EntryKind.Release, "{}", LedgerReason.Reconciled, Messages.Noon));
        Faulty("stands outside of a quarantine", head => LedgerChain.Append(head, EntryKind.Reconcile, """{"receipts":[]}""", null, Messages.Noon));
    }

    [Fact]
    public void An_entry_of_the_whole_log_names_no_ledger_and_every_other_one_does()
    {
        Faulty("it is of the whole log, but names a ledger", head => LedgerChain.Append(head, EntryKind.Quarantine, Open("ben"), LedgerReason.Restored, Messages.Noon));
        Faulty("it names no ledger", head => LedgerChain.Append(head, EntryKind.Budget, """{"rho":0.1}""", null, Messages.Noon));
        Append(Recovery.Begin(Head, new QuarantineCause { Code = LedgerReason.Restored }, Messages.Noon));
        Faulty("names no receipts", head => LedgerChain.Append(head, EntryKind.Reconcile, """{"receipts":3}""", null, Messages.Noon));
    }

    private LedgerReceipt Head => new() { Sequence = _entries[^1].Sequence, Hash = _entries[^1].Hash };

    private LedgerDecision Told(ReserveBudget request, IReadOnlyList<LedgerReceipt> lost) =>
        Recovery.On(_world.StateOf(request.RunId, request.Round) with { Head = Head }, Report(request), lost, new LedgerPolicy(), Messages.Noon);

    private static LedgerReport Report(ReserveBudget request) => new()
    {
        Quarantine = LedgerChain.Empty,
        Service = LedgerReporter.Orchestrator,
        NextCursor = 1,
        KnownSince = null,
        RunId = request.RunId,
        RoundId = request.RoundId,
        Round = request.Round,
        Attempt = request.Attempt,
        Clients = Messages.Gaussian(request).Clients,
        Receipts = [],
    };

    private static Reservation Open(string clientId)
    {
        var request = Messages.Reserve($"{clientId}@south");
        return Reservation.Asked(request, request.Clients[0])[0];
    }

    private void Append(LedgerDecision decision) => _entries.AddRange(decision.Entries);

    private void Faulty(string expected, Func<LedgerReceipt, LedgerEntry> forge)
    {
        var fault = LedgerVerification.FirstFault([.. _entries, forge(Head)]);
        Assert.Equal(_entries.Count + 1, fault?.Sequence);
        Assert.Contains(expected, fault?.Reason, StringComparison.Ordinal);
    }
}
