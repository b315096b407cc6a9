using System.Collections.Immutable;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>The protocol over many rounds in memory: one head, a state per round.</summary>
internal sealed class LedgerWorld(LedgerPolicy? policy = null)
{
    private readonly Dictionary<(Guid, int), LedgerState> _rounds = [];
    private ImmutableDictionary<AccountKey, UnitAccount> _accounts = [];

    /// <summary>Budgets of new ledgers; another one as after a restart with other options.</summary>
    public LedgerPolicy Policy { get; set; } = policy ?? new LedgerPolicy();

    public LedgerReceipt Head { get; private set; } = LedgerChain.Empty;

    public List<LedgerEntry> Entries { get; } = [];

    public IEnumerable<Reservation> Reservations => _rounds.Values.SelectMany(round => round.Reservations.Values);

    public IReadOnlyList<object> Apply(object message) => message switch
    {
        ReserveBudget m => Keep(m.RunId, m.Round, Ledger.On(StateOf(m.RunId, m.Round), m, Policy, Messages.Noon)),
        CommitBudget m => Keep(m.RunId, m.Round, Ledger.On(StateOf(m.RunId, m.Round), m, Messages.Noon)),
        ChargeOutput m => Keep(m.RunId, m.Round, Ledger.On(StateOf(m.RunId, m.Round), m, Messages.Noon)),
        RefundBudget m => Keep(m.RunId, m.Round, Ledger.On(StateOf(m.RunId, m.Round), m, Messages.Noon)),
        BudgetWish wish => Grant(wish),
        _ => throw new ArgumentException($"{message} is no message to the ledger."),
    };

    public LedgerState StateOf(Guid runId, int round) => _rounds.GetValueOrDefault((runId, round), LedgerState.Empty) with { Head = Head, Accounts = _accounts };

    public UnitAccount AccountOf(string owner, PrivacyUnit unit) => _accounts.GetValueOrDefault(new AccountKey(LedgerId.Of(Messages.LedgerOf(owner)), unit)) ?? new UnitAccount();

    public void SetBudget(string owner, PrivacyUnit unit, BudgetTerms terms) =>
        Keep(Guid.Empty, 0, Ledger.On(StateOf(Guid.Empty, 0), Messages.LedgerOf(owner), unit, terms, Messages.Noon));

    private IReadOnlyList<object> Grant(BudgetWish wish)
    {
        try
        {
            SetBudget(wish.Owner, wish.Unit, wish.Terms);
            return [];
        }
        catch (OtherMeasureException e)
        {
            return [e];
        }
    }

    private IReadOnlyList<object> Keep(Guid runId, int round, LedgerDecision decision)
    {
        _rounds[(runId, round)] = decision.State;
        Head = decision.State.Head;
        _accounts = decision.State.Accounts;
        Entries.AddRange(decision.Entries);
        return decision.Messages;
    }
}
