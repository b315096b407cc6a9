using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Events;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>
/// What a restored Orchestrator does about the runs that it knows: it ends those that were not over. Since the copy was taken tasks may have gone out,
/// and rounds may have begun and ended, that it knows nothing of. To go on would hand out work under charges that were used, and its rows prove no longer
/// that a task was never sent: nothing is given back.
/// </summary>
internal static class RestoredRuns
{
    // No new work, and no new charge: they are of rounds that end here. Also what was sent: a bus in memory sends it again after a start.
    private const string DeleteWork = "delete from outbox where type in ('TrainClient', 'ReserveBudget', 'EvaluateModel')";

    public static void End(Transaction transaction, Restoration copy)
    {
        var reason = $"The Orchestrator was restored from a backup of {copy.TakenAt:yyyy-MM-dd HH:mm:ss} UTC: what became of the run since is not known.";
        transaction.Execute(DeleteWork);
        foreach (var run in RunStore.Active(transaction))
        {
            if (RoundStore.FindOpen(transaction, run.RunId) is { } round)
            {
                RoundStore.Update(transaction, round with { State = RoundState.Abandoned, Reason = $"RESTORED: {reason}", EndedAt = transaction.Now });
                var commit = new CommitBudget { RunId = run.RunId, RoundId = round.RoundId, Round = round.Number };
                transaction.Send(BudgetRequestStore.Prove(transaction, commit));
                Tell(transaction, new RoundAbandoned { RunId = run.RunId, RoundId = round.RoundId, Round = round.Number, ReasonCode = "RESTORED", Detail = reason });
            }

            RunStore.Update(transaction, run with { State = RunState.Abandoned, Reason = reason, EndedAt = transaction.Now });
            Tell(transaction, new RunCompleted { RunId = run.RunId, Outcome = RunOutcome.Abandoned, Reason = reason, Model = run.ModelVersion > 0 ? run.Model : null });
        }
    }

    private static void Tell(Transaction transaction, object message)
    {
        EventLog.Append(transaction, message);
        transaction.Send(message);
    }
}
