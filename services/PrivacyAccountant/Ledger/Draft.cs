using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>Collects what a decision appends, and keeps the head and the accounts in step with it.</summary>
internal sealed class Draft(LedgerState state, DateTimeOffset now)
{
    private readonly List<LedgerEntry> _entries = [];
    private LedgerState _state = state;

    public LedgerReceipt Head => _state.Head;

    public UnitAccount AccountOf(AccountKey key) => _state.Accounts.GetValueOrDefault(key) ?? new UnitAccount();

    /// <summary>Sets a budget, whose order is known.</summary>
    public void SetBudget(AccountKey key, BudgetTerms terms)
    {
        Append(LedgerChain.Append(Head, key, terms, now));
        _state = _state with { Accounts = _state.Accounts.SetItem(key, AccountOf(key) with { Alpha = terms.Alpha, Budget = terms }) };
    }

    /// <summary>Moves reservations on, in order.</summary>
    public void AppendAll(EntryKind kind, IEnumerable<Reservation> reservations, string? reason)
    {
        foreach (var reservation in reservations)
        {
            Append(LedgerChain.Append(Head, kind, reservation, reason, now));
            var account = AccountOf(reservation.Account);
            var units = kind == EntryKind.Commit ? 0 : Pricing.UnitsOf(reservation.Charge) ?? 0;
            _state = _state with
            {
                Reservations = _state.Reservations.SetItem(reservation.Key, reservation with { State = Ledger.StateAfter(kind) }),
                Accounts = _state.Accounts.SetItem(reservation.Account, account with
                {
                    Alpha = account.Alpha ?? reservation.Alpha,
                    Spent = account.Spent + (kind == EntryKind.Refund ? -units : units),
                }),
            };
        }
    }

    public LedgerDecision Decide(IReadOnlyList<LedgerIdentity> ledgers, IReadOnlyList<object> messages, RoundCommit? commit = null) => new()
    {
        State = _state with { Commit = commit ?? _state.Commit },
        Entries = _entries,
        Ledgers = ledgers,
        Messages = messages,
    };

    private void Append(LedgerEntry entry)
    {
        _entries.Add(entry);
        _state = _state with { Head = new LedgerReceipt { Sequence = entry.Sequence, Hash = entry.Hash } };
    }
}
