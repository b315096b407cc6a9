using FlEvents.ClientWorker.Data;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using MassTransit;

namespace FlEvents.ClientWorker.Consumers;

/// <summary>
/// Takes a task once a slot is free for it: stores it, answers, and by returning acknowledges the command. Until then the broker keeps it, so it
/// is not lost with this process and another worker may take it.
/// </summary>
public sealed partial class TrainClientConsumer(
    TaskStore store, TaskRunner runner, RunningTasks tasks, Slots slots, ClientData data, ClientRoster roster, WorkerIdentity worker,
    Patience patience, ClientWorkerMetrics metrics, TimeProvider time, ILogger<TrainClientConsumer> log)
    : IConsumer<TrainClient>
{
    public async Task Consume(ConsumeContext<TrainClient> context)
    {
        var command = context.Message;
        IDisposable? slot = null;
        try
        {
            TaskEnd? obstacle = null;
            if (TrainingTask.NeedsSlot(await store.FindAsync(command.ReservationId), command))
            {
                obstacle = Unknown(command);
                if (obstacle is null && time.GetUtcNow() < command.DeadlineAt && (obstacle = await store.VetoAsync(command)) is null)
                {
                    slot = await slots.TakeAsync(context.CancellationToken);
                    obstacle = await UnreadableAsync(command, context.CancellationToken);
                }
            }

            if (await store.TakeAsync(context, worker.WorkerId, obstacle) is not { } taken)
            {
                return;
            }

            var (task, brokenRule) = taken;
            if (brokenRule is not null)
            {
                metrics.Refused(brokenRule);
            }

            if (!task.IsEnded)
            {
                tasks.Adopt(task.Command);
                runner.Start(task, slot);
                slot = null;
            }
            else if (task is { State: TaskState.Refused, End: { } end })
            {
                LogRefused(command.RunId, command.Round, command.ClientId, end.ReasonCode, end.Detail);
            }
        }
        finally
        {
            slot?.Dispose();
        }
    }

    private TaskEnd? Unknown(TrainClient command) =>
        roster.IndexOf(command.ClientId) is null
            ? new TaskEnd(RefusalCode.UnknownClient, $"Worker {worker.WorkerId} does not serve client \"{command.ClientId}\".")
        : data.Obstacle(command.Data);

    private async Task<TaskEnd?> UnreadableAsync(TrainClient command, CancellationToken cancellationToken)
    {
        try
        {
            await patience.RunAsync(
                "read of the data set",
                Errand.Of(command),
                token => data.OfAsync(command.ClientId, command.Data, command.Model, command.Training.Loss, token),
                cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            // Refused as expired.
            return null;
        }
        catch (DataException e)
        {
            // Its message may quote data: it stays in this machine's log.
            LogUnreadable(command.RunId, command.Round, command.ClientId, e.Message);
            var detail = $"Data set \"{command.Data.DataSet}\" can't be read as the run declares it; the log of worker {worker.WorkerId} says why.";
            return new TaskEnd(RefusalCode.BadData, detail);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Run {runId}, round {round}, client {clientId}: the task is refused ({reasonCode}). {detail}")]
    private partial void LogRefused(Guid runId, int round, string clientId, string reasonCode, string detail);

    [LoggerMessage(LogLevel.Warning, "Run {runId}, round {round}, client {clientId}: the data can't be read. {fault}")]
    private partial void LogUnreadable(Guid runId, int round, string clientId, string fault);
}
