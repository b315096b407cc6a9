using System.Runtime.CompilerServices;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;

namespace FlEvents.Orchestrator.Api;

/// <summary>A run's progress as a stream of what changed, for the command line in the same process and for server-sent events.</summary>
public sealed class RunProgress(OrchestratorDatabase database, ProgressSignals signals)
{
    /// <summary>Yields the run and every round it has had, then each change; ends with the run.</summary>
    public async IAsyncEnumerable<ProgressEvent> WatchAsync(Guid runId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shown = new Dictionary<int, RoundView>();
        RunView? shownRun = null;
        await foreach (var _ in signals.WatchAsync(runId, cancellationToken))
        {
            // Rounds before the oldest that may still change need no second look; a federated evaluation comes at most one round late.
            var from = shown.Values.Where(round => round.DurationMs is null).Select(round => round.Round).DefaultIfEmpty(shown.Count).Min() - 1;
            var (run, rounds) = database.Read(transaction => (RunStore.Find(transaction, runId), RunViews.Rounds(transaction, runId, from)));
            if (run is null)
            {
                yield break;
            }

            var view = RunViews.Of(run);
            foreach (var round in rounds.Where(round => !shown.TryGetValue(round.Round, out var last) || last != round))
            {
                shown[round.Round] = round;
                yield return new ProgressEvent { Run = view, Round = round };
            }

            if (view != shownRun)
            {
                shownRun = view;
                yield return new ProgressEvent { Run = view, Round = null };
            }

            if (run.IsFinal)
            {
                yield break;
            }
        }
    }
}
