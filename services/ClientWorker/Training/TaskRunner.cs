using FlEvents.ClientWorker.Enrollment;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Messaging;
using Microsoft.Extensions.Options;

namespace FlEvents.ClientWorker.Training;

/// <summary>
/// Carries each accepted task to its end: train, keep the bytes, upload them, announce them. What has happened is in the task's row before the
/// next step begins, so a task goes on after any crash from where its row says it is.
/// </summary>
public sealed partial class TaskRunner(
    TaskStore store,
    RunningTasks tasks,
    Slots slots,
    LocalTraining training,
    UpdateFolder updates,
    IUpdateSink sink,
    WorkerKey key,
    Patience patience,
    ClientWorkerMetrics metrics,
    IOptions<BusOptions> bus,
    TimeProvider time,
    ILogger<TaskRunner> log) : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Slots _uploads = new(slots.Count, brokerKeeps: false);

    /// <summary>Takes up what an earlier process has left.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        var unfinished = store.Unfinished();
        updates.Recover(unfinished.Where(task => task.State == TaskState.Trained).Select(task => task.Result!.Update));
        foreach (var task in unfinished)
        {
            LogRecovered(task.Command.RunId, task.Command.Round, task.Command.ClientId, task.State);
            Run(task, new RunningTask(task.Command.ReservationId, LeaseClock.DueNow(task.Command, time), _stopping.Token), slot: null);
        }

        return Task.CompletedTask;
    }

    /// <summary>Works on a task that was just stored; without effect when it has ended.</summary>
    /// <param name="slot">Its place, freed once it is trained and another's upload is not in its way; null to wait for one.</param>
    public void Start(TrainingTask task, IDisposable? slot) =>
        Run(task, new RunningTask(task.Command.ReservationId, LeaseClock.StartOf(task.Command, time), _stopping.Token), slot);

    /// <summary>Before anything else stops: no more tasks, leases of unfinished ones go back, and the broker gets to know it.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        slots.Close();
        await _stopping.CancelAsync();
        while (tasks.Count > 0)
        {
            await Task.WhenAll(tasks.All.Select(task => task.Completion)).WaitAsync(cancellationToken);
        }

        using var longest = new CancellationTokenSource(TimeSpan.FromSeconds(bus.Value.StopTimeoutSeconds), time);
        while (store.UnsentInterruptions() > 0 && !longest.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(Poll, time, CancellationToken.None);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        // A host that failed to start is not stopped before it is disposed: training must end all the same. Left as it is, it may be asked again.
        _stopping.Cancel();
        _uploads.Dispose();
    }

    // Off the caller's thread at once: a consumer returns, and by that acknowledges, while training goes on.
    private void Run(TrainingTask task, RunningTask running, IDisposable? slot) => _ = Task.Run(async () =>
    {
        var places = new Places(slot);
        try
        {
            // An earlier issue of the same task may be in its last steps, and change it.
            var known = task;
            while (tasks.TryAdd(running) is { } present)
            {
                await present.Completion;
                known = null;
            }

            await WorkAsync(known ?? await store.FindAsync(running.ReservationId), running, places);
        }
        catch (Exception e) when (!_stopping.IsCancellationRequested)
        {
            LogDefect(running.ReservationId, e);
        }
        finally
        {
            places.Dispose();
            tasks.Remove(running);
            running.Complete();
            running.Dispose();
        }
    });

    private async Task WorkAsync(TrainingTask? task, RunningTask running, Places places)
    {
        while (task is { IsEnded: false })
        {
            TaskEvent happened;
            try
            {
                happened = task.State == TaskState.Accepted ? await TrainAsync(task, running, places) : await UploadAsync(task, running, places);
            }
            catch (Exception e)
            {
                happened = EventOf(e, task.Command, running);
            }

            var after = await store.ApplyAsync(running.ReservationId, happened, CancellationToken.None);
            Follow(task, happened, after);
            if (running.Cancelled.IsCancellationRequested)
            {
                break;
            }

            task = after;
        }
    }

    private async Task<TaskEvent> TrainAsync(TrainingTask task, RunningTask running, Places places)
    {
        places.Training ??= await slots.TakeAsync(running.Cancelled);
        var command = task.Command;
        if (task.Result is { } known && await StoreHoldsAsync(command, known.Update, running.Cancelled))
        {
            return new UpdateStored(command.LeaseNumber);
        }

        var trained = await training.TrainAsync(command, running.Cancelled);
        if (trained is { Duration: { } duration, ExampleCount: { } examples })
        {
            metrics.Trained(duration, (long)examples * command.Training.LocalEpochs);
        }

        var kept = await patience.RunAsync("write of the update", Errand.Of(command), _ => Task.Run(() => updates.Keep(trained.Bytes)), running.Cancelled);
        return new TrainingFinished(new TaskResult
        {
            Update = kept,
            ExampleCount = trained.ExampleCount,
            TrainingLoss = trained.Loss,
            TrainingSeconds = trained.Duration?.TotalSeconds,
            Signature = key.Sign(command, kept, trained.ExampleCount),
        });
    }

    private Task<bool> StoreHoldsAsync(TrainClient command, BlobRef update, CancellationToken cancellationToken) => patience.RunAsync(
        "look into the update store",
        Errand.Of(command),
        token => sink.HoldsAsync(command.ReservationId, command.LeaseToken, update, token),
        cancellationToken);

    // The next task trains meanwhile; but a worker that can't get rid of what it has trained takes no more.
    private async Task<TaskEvent> UploadAsync(TrainingTask task, RunningTask running, Places places)
    {
        places.Upload ??= await _uploads.TakeAsync(running.Cancelled);
        places.FreeTraining();
        var command = task.Command;
        var update = task.Result!.Update;
        var bytes = updates.Read(update);
        await patience.RunAsync(
            "upload",
            Errand.Of(command),
            async token =>
            {
                // A process that was frozen must not bring what may be another's task by now.
                if (running.Lease.IsLost(time))
                {
                    running.Cancel();
                }

                running.Cancelled.ThrowIfCancellationRequested();
                await sink.SubmitAsync(command.ReservationId, command.LeaseToken, update, bytes, task.Result!.Signature, token);
                return update;
            },
            running.Cancelled);
        metrics.Uploaded(update.SizeBytes);
        return new UpdateStored(command.LeaseNumber);
    }

    private TaskEvent EventOf(Exception exception, TrainClient command, RunningTask running)
    {
        switch (exception)
        {
            case OperationCanceledException when _stopping.IsCancellationRequested:
                return new WorkerStopping();
            case OperationCanceledException when running.Cancelled.IsCancellationRequested:
                return running.Lease.Loss();
            case UploadRefusedException or BlobException or TimeoutException or TrainingFailedException:
                return new TaskFailed(command.LeaseNumber, exception.Message);
            default:
                // An unforeseen message may quote data: it stays in this machine's log.
                LogFailed(command.RunId, command.Round, command.ClientId, exception);
                return new TaskFailed(command.LeaseNumber, $"Training failed with {exception.GetType().Name}; the worker's log says more.");
        }
    }

    private void Follow(TrainingTask before, TaskEvent happened, TrainingTask after)
    {
        if (happened is TrainingFinished finished && after.State != TaskState.Trained)
        {
            updates.Release(finished.Result.Update);
        }
        else if (before.State == TaskState.Trained && after.IsEnded)
        {
            updates.Release(before.Result!.Update);
        }

        if (after.IsEnded && !before.IsEnded)
        {
            metrics.Ended(after.State);
        }

        if (after.State == TaskState.Interrupted)
        {
            metrics.Interrupted(after.End!.ReasonCode);
            LogInterrupted(after.Command.RunId, after.Command.Round, after.Command.ClientId, after.End.ReasonCode, after.End.Detail);
        }
        else if (after.State != before.State)
        {
            LogState(after.Command.RunId, after.Command.Round, after.Command.ClientId, after.State, after.Result?.Update.Sha256);
        }
    }

    [LoggerMessage(LogLevel.Information, "Run {runId}, round {round}, client {clientId}: the task was left {state} and is taken up again.")]
    private partial void LogRecovered(Guid runId, int round, string clientId, TaskState state);

    [LoggerMessage(LogLevel.Information, "Run {runId}, round {round}, client {clientId}: the task is {state}, update {sha256}.")]
    private partial void LogState(Guid runId, int round, string clientId, TaskState state, string? sha256);

    [LoggerMessage(LogLevel.Warning, "Run {runId}, round {round}, client {clientId}: the task was interrupted ({reasonCode}). {detail}")]
    private partial void LogInterrupted(Guid runId, int round, string clientId, string reasonCode, string detail);

    [LoggerMessage(LogLevel.Error, "Run {runId}, round {round}, client {clientId}: training failed.")]
    private partial void LogFailed(Guid runId, int round, string clientId, Exception exception);

    [LoggerMessage(LogLevel.Critical, "Task {reservationId} was left where its row says; it is taken up after the next start.")]
    private partial void LogDefect(Guid reservationId, Exception exception);

    /// <summary>What a task holds of the worker.</summary>
    private sealed class Places(IDisposable? training) : IDisposable
    {
        public IDisposable? Training { get; set; } = training;

        public IDisposable? Upload { get; set; }

        public void FreeTraining()
        {
            Training?.Dispose();
            Training = null;
        }

        public void Dispose()
        {
            FreeTraining();
            Upload?.Dispose();
        }
    }
}
