using System.Collections.Immutable;
using FlEvents.Orchestrator.Api;

namespace FlEvents.Standalone.Console;

/// <summary>What a console has heard of a run. Events may repeat and rounds may overlap; each finished round is told once.</summary>
public sealed record ProgressBoard
{
    private readonly ImmutableSortedDictionary<int, RoundView> _rounds = ImmutableSortedDictionary<int, RoundView>.Empty;
    private readonly ImmutableHashSet<int> _told = [];

    public static ProgressBoard Empty { get; } = new();

    private ProgressBoard()
    {
    }

    /// <summary>The newest view of the run; null before the first event.</summary>
    public RunView? Run { get; private init; }

    /// <summary>Rounds in progress, in order.</summary>
    public IEnumerable<RoundView> Open => _rounds.Values.Where(round => !IsOver(round));

    /// <summary>Takes an event in and says which finished rounds are to be told now, in order.</summary>
    public (ProgressBoard Board, IReadOnlyList<RoundView> Told) On(ProgressEvent progress)
    {
        var rounds = progress.Round is { } round ? _rounds.SetItem(round.Round, round) : _rounds;
        var told = rounds.Values.Where(view => !_told.Contains(view.Round) && IsComplete(view, progress.Run)).ToList();
        return (new ProgressBoard { Run = progress.Run, Rounds = rounds, ToldRounds = _told.Union(told.Select(view => view.Round)) }, told);
    }

    /// <summary>Finished rounds that were held back for scores that did not come.</summary>
    public IReadOnlyList<RoundView> Untold() => [.. _rounds.Values.Where(view => !_told.Contains(view.Round) && IsOver(view))];

    private ImmutableSortedDictionary<int, RoundView> Rounds
    {
        init => _rounds = value;
    }

    private ImmutableHashSet<int> ToldRounds
    {
        init => _told = value;
    }

    private static bool IsOver(RoundView round) => round.State is RoundState.Done or RoundState.Abandoned;

    // Clients score a model only after it is published: without a held-out data set the round's figures come later than its end.
    private static bool IsComplete(RoundView round, RunView run)
    {
        var evaluation = run.Spec.Evaluation;
        var scoredByClients = evaluation is { Federated: true, DataSet: null } && (round.Round % evaluation.EveryRounds == 0 || round.Round == run.Rounds);
        return round.State == RoundState.Abandoned || (round.State == RoundState.Done && (!scoredByClients || round.FederatedEvaluation is not null));
    }
}
