using System.Collections.Immutable;
using FlEvents.Orchestrator.Api;

namespace FlEvents.Standalone.Console;

/// <summary>What a console has heard of a run. Events may repeat and rounds may overlap; each finished round is told once.</summary>
public sealed record ProgressBoard
{
    public static ProgressBoard Empty { get; } = new();

    /// <summary>The newest view of the run; null before the first event.</summary>
    public RunView? Run { get; private init; }

    /// <summary>Rounds in progress, in order.</summary>
    public IEnumerable<RoundView> Open => Rounds.Values.Where(round => !IsOver(round));

    /// <summary>Takes an event in and says which finished rounds are to be told now, in order.</summary>
    public (ProgressBoard Board, IReadOnlyList<RoundView> Told) On(ProgressEvent progress)
    {
        var rounds = progress.Round is { } round ? Rounds.SetItem(round.Round, round) : Rounds;
        var told = rounds.Values.Where(view => !ToldRounds.Contains(view.Round) && IsComplete(view, progress.Run)).ToList();
        return (this with { Run = progress.Run, Rounds = rounds, ToldRounds = ToldRounds.Union(told.Select(view => view.Round)) }, told);
    }

    /// <summary>Finished rounds that were held back for scores that did not come.</summary>
    public IReadOnlyList<RoundView> Untold() => [.. Rounds.Values.Where(view => !ToldRounds.Contains(view.Round) && IsOver(view))];

    private ImmutableSortedDictionary<int, RoundView> Rounds { get; init; } = ImmutableSortedDictionary<int, RoundView>.Empty;

    private ImmutableHashSet<int> ToldRounds { get; init; } = [];

    private static bool IsOver(RoundView round) => round.State is RoundState.Done or RoundState.Abandoned;

    // Clients score a model only after it is published: without a held-out data set the round's figures come later than its end.
    private static bool IsComplete(RoundView round, RunView run)
    {
        var evaluation = run.Spec.Evaluation;
        var scoredByClients = evaluation is { Federated: true, DataSet: null } && (round.Round % evaluation.EveryRounds == 0 || round.Round == run.Rounds);
        return round.State == RoundState.Abandoned || (round.State == RoundState.Done && (!scoredByClients || round.FederatedEvaluation is not null));
    }
}
