using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>Looks at stored deadlines: of rounds, leases and evaluations, and of runs that wait for their clients. No time is kept in memory.</summary>
public sealed class RoundTimers(OrchestratorDatabase database, RoundTransactions rounds, OrchestratorOptions options, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.TimerMilliseconds), time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await TickAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is due is found again after the next start.
        }
    }

    /// <summary>Does what is due now, in one transaction; nothing is written when nothing is due.</summary>
    public async Task TickAsync(CancellationToken cancellationToken)
    {
        if (database.Read(IsAnythingDue))
        {
            await database.WriteAsync(Fire, cancellationToken);
        }
    }

    private static bool IsAnythingDue(Transaction transaction) =>
        RoundStore.PastDeadline(transaction).Count > 0
        || MemberStore.LeaseEnded(transaction).Count > 0
        || EvaluationStore.PastDeadline(transaction).Count > 0
        || IdleRuns(transaction).Any();

    private void Fire(Transaction transaction)
    {
        var coordinator = rounds.In(transaction);
        foreach (var member in MemberStore.LeaseEnded(transaction))
        {
            coordinator.OnLeaseEnded(member.RoundId, member.ClientId);
            rounds.CountExpiry(transaction, member);
        }

        foreach (var roundId in RoundStore.PastDeadline(transaction))
        {
            coordinator.OnDeadline(roundId);
        }

        foreach (var runId in EvaluationStore.PastDeadline(transaction))
        {
            EvaluationStore.Close(transaction, runId);
            coordinator.Continue(runId);
        }

        foreach (var run in IdleRuns(transaction))
        {
            coordinator.Continue(run.RunId);
        }
    }

    // A run that could have a round and has none: its clients were not there when it was looked at last.
    private static IEnumerable<Run> IdleRuns(Transaction transaction) => RunStore.Active(transaction)
        .Where(run => run.State != RunState.Paused && run.Model is not null && RoundStore.FindOpen(transaction, run.RunId) is null);
}
