using System.Runtime.CompilerServices;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Api;

/// <summary>A run's progress as a stream of what changed, for the command line in the same process and for server-sent events.</summary>
public sealed class RunProgress(OrchestratorDatabase database, ProgressSignals signals, TimeProvider time)
{
    private const int MostRuns = 100;

    // A cohort of a thousand changes a hundred times a second: whoever watches sees several changes as one.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a reader is told nothing at most: a connection that is dead shows no other way.</summary>
    private static readonly TimeSpan LongestQuiet = TimeSpan.FromSeconds(15);

    /// <summary>Yields the run and every round it has had, then each change; ends with the run.</summary>
    /// <param name="withCohort">Whether to tell of the newest round's members too, and to repeat the run where nothing changes: who reads then knows that somebody is there.</param>
    /// <param name="after">Rounds before this one are known already (<see cref="ProgressEvent.KnownUpTo"/>).</param>
    public async IAsyncEnumerable<ProgressEvent> WatchAsync(Guid runId, [EnumeratorCancellation] CancellationToken cancellationToken, bool withCohort = false, int after = 0)
    {
        var shown = new Dictionary<int, RoundView>();
        var cohort = withCohort ? new CohortChanges() : null;
        RunView? shownRun = null;
        var from = after;
        await foreach (var isChanged in signals.WatchAsync(runId, cancellationToken, withCohort ? LongestQuiet : null))
        {
            var (run, rounds, members) = database.Read(transaction => Now(transaction, runId, ref from, cohort));
            if (run is null)
            {
                yield break;
            }

            var view = RunViews.Of(run);
            foreach (var round in rounds.Where(round => !shown.TryGetValue(round.Round, out var last) || last != round))
            {
                yield return new ProgressEvent { Run = view, Round = round, KnownUpTo = from };
            }

            // Rounds before the oldest that may still change need no second look; a federated evaluation comes at most one round late.
            var oldest = rounds.Where(round => round.DurationMs is null).Concat(rounds.TakeLast(1)).Select(round => round.Round).FirstOrDefault();
            from = Math.Max(from, oldest - 1);
            shown = rounds.Where(round => round.Round >= from).ToDictionary(round => round.Round);
            if (members is not null)
            {
                yield return new ProgressEvent { Run = view, Round = null, Cohort = members, KnownUpTo = from };
            }

            // A run's spec never changes, and is equal by reference only.
            if (!isChanged || shownRun is null || view with { Spec = shownRun.Spec } != shownRun)
            {
                shownRun = view;
                yield return new ProgressEvent { Run = view, Round = null, KnownUpTo = from };
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

    /// <param name="from">The oldest round to read. Where the run has not come so far, who says so knows another: it is told all.</param>
    private static (Run? Run, IReadOnlyList<RoundView> Rounds, CohortView? Members) Now(Transaction transaction, Guid runId, ref int from, CohortChanges? cohort)
    {
        var run = RunStore.Find(transaction, runId);
        from = run is not null && from > run.Round ? 0 : from;
        return (run, RunViews.Rounds(transaction, runId, from), cohort?.Next(transaction, runId));
    }

    /// <summary>Yields the newest runs, the oldest of them first, then that these are all, then each change and each new run, without end. Where nothing changes it says again that these are all.</summary>
    public async IAsyncEnumerable<RunsEvent> WatchAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (shown, isWhole) = (new Dictionary<Guid, RunView>(), false);
        await foreach (var isChanged in signals.WatchAsync(ProgressSignals.AnyRun, cancellationToken, LongestQuiet))
        {
            var runs = database.Read(transaction => RunStore.Newest(transaction, MostRuns)).Select(RunViews.Of).ToList();
            foreach (var run in Enumerable.Reverse(runs).Where(run => !shown.TryGetValue(run.RunId, out var last) || last with { Spec = run.Spec } != run))
            {
                yield return new RunsEvent { Run = run };
            }

            shown = runs.ToDictionary(run => run.RunId);
            if (!isWhole || !isChanged)
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
