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

    /// <summary>Sets a budget in the account's measure, where that is fixed.</summary>
    public void SetBudget(AccountKey key, BudgetTerms terms)
    {
        Append(LedgerChain.Append(Head, key, terms, now));
        _state = _state with { Accounts = _state.Accounts.SetItem(key, AccountOf(key) with { Measure = terms.Measure, Budget = terms }) };
    }

    /// <summary>Moves reservations on, in order.</summary>
    public void AppendAll(EntryKind kind, IEnumerable<Reservation> reservations, string? reason)
    {
        foreach (var reservation in reservations)
        {
            Append(LedgerChain.Append(Head, kind, reservation, reason, now));
            _state = _state with
            {
                Reservations = _state.Reservations.SetItem(reservation.Key, reservation with { State = Ledger.StateAfter(kind) }),
                Accounts = _state.Accounts.SetItem(reservation.Account, Charged(AccountOf(reservation.Account), kind, reservation)),
            };
        }
    }

    /// <summary>Notes what befell the log.</summary>
    public void Note(EntryKind kind, string told, string? reason) => Append(LedgerChain.Append(Head, kind, told, reason, now));

    public LedgerDecision Decide(IReadOnlyList<LedgerIdentity> ledgers, IReadOnlyList<object> messages, RoundCommit? commit = null) => new()
    {
        State = _state with { Commit = commit ?? _state.Commit },
        Entries = _entries,
        Ledgers = ledgers,
        Messages = messages,
    };

    private static UnitAccount Charged(UnitAccount account, EntryKind kind, Reservation reservation)
    {
        var sign = kind switch { EntryKind.Reserve => 1, EntryKind.Refund => -1, _ => 0 };
        var (units, measure) = (Pricing.UnitsOf(reservation.Charge), account.Measure ?? reservation.CountedIn);
        return account with
        {
            Measure = measure,
            Budget = account.Budget is { } terms && measure is not null ? terms with { Alpha = measure.Order } : account.Budget,
            Spent = account.Spent + (sign * (units ?? 0)),
            Unbounded = account.Unbounded + (units is null ? sign : 0),
        };
    }

    private void Append(LedgerEntry entry)
    {
        _entries.Add(entry);
        _state = _state with { Head = new LedgerReceipt { Sequence = entry.Sequence, Hash = entry.Hash } };
    }
}
