using System.Runtime.CompilerServices;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Api;

/// <summary>A run's progress as a stream of what changed, for the command line in the same process and for server-sent events.</summary>
public sealed class RunProgress(OrchestratorDatabase database, ProgressSignals signals, TimeProvider time)
{
    private const int MostRuns = 100;

    // A cohort of a thousand changes a hundred times a second: whoever watches sees several changes as one.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Yields the run and every round it has had, then each change; ends with the run.</summary>
    /// <param name="withCohort">Whether to tell of the newest round's members too.</param>
    public async IAsyncEnumerable<ProgressEvent> WatchAsync(Guid runId, [EnumeratorCancellation] CancellationToken cancellationToken, bool withCohort = false)
    {
        var shown = new Dictionary<int, RoundView>();
        var cohort = withCohort ? new CohortChanges() : null;
        RunView? shownRun = null;
        await foreach (var _ in signals.WatchAsync(runId, cancellationToken))
        {
            // Rounds before the oldest that may still change need no second look; a federated evaluation comes at most one round late.
            var from = shown.Values.Where(round => round.DurationMs is null).Select(round => round.Round).DefaultIfEmpty(shown.Count).Min() - 1;
            var (run, rounds, members) = database.Read(transaction =>
                (RunStore.Find(transaction, runId), RunViews.Rounds(transaction, runId, from), cohort?.Next(transaction, runId)));
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

            if (members is not null)
            {
                yield return new ProgressEvent { Run = view, Round = null, Cohort = members };
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

            if (withCohort)
            {
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    /// <summary>Yields the newest runs, the oldest of them first, then that these are all, then each change and each new run, without end.</summary>
    public async IAsyncEnumerable<RunsEvent> WatchAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (shown, isWhole) = (new Dictionary<Guid, RunView>(), false);
        await foreach (var _ in signals.WatchAsync(ProgressSignals.AnyRun, cancellationToken))
        {
            var runs = database.Read(transaction => RunStore.Newest(transaction, MostRuns)).Select(RunViews.Of).ToList();

            // A run's spec never changes, and is equal by reference only.
            foreach (var run in Enumerable.Reverse(runs).Where(run => !shown.TryGetValue(run.RunId, out var last) || last with { Spec = run.Spec } != run))
            {
                yield return new RunsEvent { Run = run };
            }

            shown = runs.ToDictionary(run => run.RunId);
            if (!isWhole)
            {
                isWhole = true;
                yield return new RunsEvent { Run = null };
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>What of a cohort was not told yet.</summary>
    private sealed class CohortChanges
    {
        private Dictionary<string, CohortMemberView> _told = [];
        private int _round;

        /// <summary>The members that changed since the last call; null for none.</summary>
        public CohortView? Next(Transaction transaction, Guid runId)
        {
            if (RoundStore.FindNewest(transaction, runId) is not { } round)
            {
                return null;
            }

            var members = MemberStore.Cohort(transaction, round.RoundId);
            var isWhole = round.Number != _round;
            var changed = isWhole ? members : [.. members.Where(member => _told.GetValueOrDefault(member.ClientId) != member)];
            (_told, _round) = (members.ToDictionary(member => member.ClientId, StringComparer.Ordinal), round.Number);
            return isWhole || changed.Count > 0 ? new CohortView { Round = round.Number, IsWhole = isWhole, Members = changed } : null;
        }
    }
}
