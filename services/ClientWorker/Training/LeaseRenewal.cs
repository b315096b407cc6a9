using FlEvents.ClientWorker.Storage;

namespace FlEvents.ClientWorker.Training;

/// <summary>
/// Gives a sign of life for every task in hand, a third of its lease after the last, in one transaction for all that are due. A task that went
/// without one for a whole lease is given up: it may be another worker's by now.
/// </summary>
public sealed class LeaseRenewal(RunningTasks tasks, TaskStore store, WorkerIdentity worker, TimeProvider time) : BackgroundService
{
    // Without a task nothing is due before one comes, and that ends the wait.
    private static readonly TimeSpan Idle = TimeSpan.FromHours(1);

    // A timer may fire early by less than this.
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                var pause = tasks.All.Where(task => !task.Cancelled.IsCancellationRequested).Select(task => task.Lease.UntilRenewal(time)).Append(Idle).Min();
                if (pause > TimeSpan.Zero)
                {
                    await tasks.WaitForChangeAsync(pause > ShortestPause ? pause : ShortestPause, stoppingToken);
                }
                else
                {
                    await RenewAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The tasks were let go of before.
        }
    }

    private async Task RenewAsync(CancellationToken stoppingToken)
    {
        List<(RunningTask Task, LeaseClock Clock)> renewed = [], lost = [];
        long now = 0;
        await store.ApplyAllAsync(
            () =>
            {
                // Looked at inside the transaction: it may have waited for a full disk longer than a lease.
                now = time.GetTimestamp();
                var due = tasks.All.Where(task => !task.Cancelled.IsCancellationRequested)
                    .Select(task => (Task: task, Clock: task.Lease))
                    .Where(entry => entry.Clock.UntilRenewal(time) <= TimeSpan.Zero)
                    .ToList();
                lost = due.Where(entry => entry.Clock.IsLost(time)).ToList();
                renewed = due.Except(lost).ToList();
                return
                [
                    .. renewed.Select(entry => (entry.Task.ReservationId, (TaskEvent)new RenewalDue(worker.WorkerId))),
                    .. lost.Select(entry => (entry.Task.ReservationId, (TaskEvent)entry.Clock.Loss())),
                ];
            },
            stoppingToken);
        renewed.ForEach(entry => entry.Task.Renew(entry.Clock, now));
        lost.ForEach(entry => entry.Task.Cancel());
    }
}

/// <summary>Who this worker is to others.</summary>
/// <param name="WorkerId">Its name, the same after every start.</param>
public sealed record WorkerIdentity(string WorkerId);
