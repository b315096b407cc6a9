using System.Collections.Immutable;
using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;
using FlEvents.PrivacyAccountant;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>The PrivacyAccountant's durable rows: the log, and what is told from it.</summary>
internal sealed record AccountantRows
{
    public ImmutableList<LedgerEntry> Entries { get; init; } = [];

    public LedgerReceipt Head { get; init; } = LedgerChain.Empty;

    /// <summary>By run and round.</summary>
    public ImmutableSortedDictionary<string, LedgerState> Rounds { get; init; } = ImmutableSortedDictionary.Create<string, LedgerState>(StringComparer.Ordinal);

    public ImmutableDictionary<AccountKey, UnitAccount> Accounts { get; init; } = [];

    public IEnumerable<Reservation> Reservations => Rounds.Values.SelectMany(round => round.Reservations.Values);

    // The head covers every entry, and the entries tell everything else but the receipts.
    public object Content => new { Head.Hash, Commits = Rounds.Values.Select(round => round.Commit) };
}

/// <summary>The PrivacyAccountant: <see cref="Ledger"/> over rows in memory.</summary>
internal sealed class AccountantPart(Scenario scenario, Mail mail) : Part<AccountantRows>(mail, rows => rows.Content)
{
    private const int TakeKind = 0;

    public int Begin() => Rows.IdOf(new AccountantRows());

    /// <remarks>Also the search for I10: from the rows that a message leads to on, it must leave the head as it is.</remarks>
    public Outcome Take(int rows, int message)
    {
        if (Known(rows, TakeKind, message, 0) is { } known)
        {
            return known;
        }

        var outcome = Learn(rows, TakeKind, message, 0, Deliver(Rows[rows], message));
        return IsSpent(outcome.Rows, message, 0)
            ? outcome
            : throw new InvariantException($"I10: {Mail.Messages[message].Message} taken again moves the head from entry {Rows[outcome.Rows].Head.Sequence}.");
    }

    // An answer may be given again. A request that was refused is no charge that could be repeated: asked anew after a refund it may fit, and is
    // charged once.
    protected override bool ChangesNothing(int rows, int message, int clock) =>
        Deliver(Rows[rows], message).Rows.Entries.Skip(Rows[rows].Entries.Count).All(entry => IsAskedAnew(Rows[rows], entry));

    private static bool IsAskedAnew(AccountantRows rows, LedgerEntry entry) =>
        entry.Kind == EntryKind.Reserve
        && rows.Entries.Exists(before => before.Kind == EntryKind.Refund && before.LedgerId == entry.LedgerId)
        && !rows.Entries.Exists(before => before.ReservationId == entry.ReservationId);

    protected override string? Defect(AccountantRows before, AccountantRows after)
    {
        if (after.Entries.Count < before.Entries.Count || !after.Entries.Take(before.Entries.Count).Select(entry => entry.Hash).SequenceEqual(before.Entries.Select(entry => entry.Hash)))
        {
            return "I4: the log was not only appended to.";
        }

        var later = after.Reservations.ToDictionary(reservation => reservation.Key);
        var changed = before.Reservations.FirstOrDefault(reservation => reservation.State != ReservationState.Reserved && later.GetValueOrDefault(reservation.Key) != reservation);
        return changed is null ? null : $"I5: reservation {changed.Key} was {changed.State} and became {later.GetValueOrDefault(changed.Key)?.State}.";
    }

    private Step<AccountantRows> Deliver(AccountantRows rows, int message) => Mail.Messages[message].Message switch
    {
        ReserveBudget m => Keep(rows, m.RunId, m.Round, Decide(m, BudgetMessages.Check, state => Ledger.On(state, m, scenario.Policy, Scenario.Start))),
        CommitBudget m when m.Charged > CountCharged(rows, m) =>
            throw new InvariantException($"I4: {m.Charged} charges in round {m.Round} of run {m.RunId} are asked to become final; the ledger has {CountCharged(rows, m)}, and has lost none."),
        CommitBudget m => Keep(rows, m.RunId, m.Round, Decide(m, BudgetMessages.Check, state => Ledger.On(state, m, Scenario.Start))),
        RefundBudget m => Keep(rows, m.RunId, m.Round, Decide(m, BudgetMessages.Check, state => Ledger.On(state, m, Scenario.Start))),
        ChargeOutput m => Keep(rows, m.RunId, m.Round, Decide(m, BudgetMessages.Check, state => Ledger.On(state, m, Scenario.Start))),
        var m => throw new ArgumentException($"{m.GetType().Name} is not for the PrivacyAccountant."),
    };

    private static int CountCharged(AccountantRows rows, CommitBudget message) => rows.Reservations.Count(reservation =>
        reservation.RunId == message.RunId && reservation.Round == message.Round && reservation.Attempt == 1 && reservation.Unit == PrivacyUnit.Client);

    private static Func<LedgerState, LedgerDecision> Decide<T>(T message, Action<T> check, Func<LedgerState, LedgerDecision> decide)
    {
        check(message);
        return decide;
    }

    private static Step<AccountantRows> Keep(AccountantRows rows, Guid runId, int round, Func<LedgerState, LedgerDecision> decide)
    {
        var key = $"{runId}/{round}";
        var state = rows.Rounds.GetValueOrDefault(key, LedgerState.Empty) with { Head = rows.Head, Accounts = rows.Accounts };
        var decision = decide(state);
        var after = new AccountantRows
        {
            Entries = rows.Entries.AddRange(decision.Entries),
            Head = decision.State.Head,
            Rounds = rows.Rounds.SetItem(key, decision.State),
            Accounts = decision.State.Accounts,
        };
        return new Step<AccountantRows>(after, [.. decision.Messages.SelectMany(sent => Envelope.Of(sent))]);
    }
}
