using FlEvents.Orchestrator.Api;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>The three parts of a round's time.</summary>
public static class RoundPhases
{
    /// <summary>The ledger is asked to charge the cohort.</summary>
    public const string Reserve = "reserve";

    /// <summary>Tasks are out and updates come in.</summary>
    public const string Collect = "collect";

    /// <summary>The updates are combined and the charges made final.</summary>
    public const string Aggregate = "aggregate";

    /// <returns>Null for a round that has ended.</returns>
    public static string? Of(RoundState state) => state switch
    {
        RoundState.Planned or RoundState.Reserved => Reserve,
        RoundState.Dispatched or RoundState.Collecting => Collect,
        RoundState.Closing => Aggregate,
        _ => null,
    };
}
