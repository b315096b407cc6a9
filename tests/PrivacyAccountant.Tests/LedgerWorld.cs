using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>The protocol over many rounds in memory: one head, a state per round.</summary>
internal sealed class LedgerWorld
{
    private readonly Dictionary<(Guid, int), LedgerState> _rounds = [];

    public LedgerReceipt Head { get; private set; } = LedgerChain.Empty;

    public List<LedgerEntry> Entries { get; } = [];

    public IEnumerable<Reservation> Reservations => _rounds.Values.SelectMany(round => round.Reservations.Values);

    public IReadOnlyList<object> Apply(object message) => message switch
    {
        ReserveBudget m => Keep(m.RunId, m.Round, Ledger.On(StateOf(m.RunId, m.Round), m, Messages.Noon)),
        CommitBudget m => Keep(m.RunId, m.Round, Ledger.On(StateOf(m.RunId, m.Round), m, Messages.Noon)),
        RefundBudget m => Keep(m.RunId, m.Round, Ledger.On(StateOf(m.RunId, m.Round), m, Messages.Noon)),
        _ => throw new ArgumentException($"{message} is no message to the ledger."),
    };

    public LedgerState StateOf(Guid runId, int round) => _rounds.GetValueOrDefault((runId, round), LedgerState.Empty) with { Head = Head };

    private IReadOnlyList<object> Keep(Guid runId, int round, LedgerDecision decision)
    {
        _rounds[(runId, round)] = decision.State;
        Head = decision.State.Head;
        Entries.AddRange(decision.Entries);
        return decision.Messages;
    }
}
