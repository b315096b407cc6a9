using System.Diagnostics;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Training;

/// <summary>
/// One client's task in one round: a row of the worker's database, keyed by its reservation. <see cref="On(TrainingTask, TrainClient, TakeContext)"/>
/// and its siblings are the whole protocol: pure, and safe under any repetition and order of their inputs.
/// </summary>
/// <remarks>
/// What holds whatever happens: every <see cref="UpdateSubmitted"/> of a reservation names the same bytes; a reservation of which a lease was once
/// accepted is never refused, because a refusal is proof that nothing left the client; the lease number never falls.
/// </remarks>
public record TrainingTask
{
    /// <summary>The command as it holds now: a re-issued one brings a higher lease number and another token.</summary>
    public required TrainClient Command { get; init; }

    public required TaskState State { get; init; }

    /// <summary>What training gave; kept for good once it is known, so that no other bytes are ever announced.</summary>
    public TaskResult? Result { get; init; }

    /// <summary>Why there is no update; only when refused or interrupted.</summary>
    public TaskEnd? End { get; init; }

    /// <summary>Whether there is nothing left to do for it.</summary>
    public bool IsEnded => State is TaskState.Announced or TaskState.Refused or TaskState.Interrupted;

    /// <summary>Whether a command would make the worker train or upload, so that it needs a slot.</summary>
    public static bool NeedsSlot(TrainingTask? task, TrainClient command) =>
        task is null || (task.IsEnded && command.LeaseNumber > task.Command.LeaseNumber);

    /// <summary>A command arrives: for the first time, again, or re-issued under a higher lease number.</summary>
    public static (TrainingTask Task, IReadOnlyList<object> Messages) On(TrainingTask? task, TrainClient command, TakeContext context)
    {
        if (task is null || (task.IsEnded && command.LeaseNumber > task.Command.LeaseNumber))
        {
            return Take(task, command, context);
        }

        if (command.LeaseNumber < task.Command.LeaseNumber)
        {
            return (task, []);
        }

        if (task.IsEnded)
        {
            return (task, [TaskMessages.EndOf(task)]);
        }

        return command.LeaseNumber == task.Command.LeaseNumber
            ? (task, [])
            : (task with { Command = command }, [TaskMessages.Accepted(command, context.WorkerId)]);
    }

    /// <summary>Something happened to the task inside this worker.</summary>
    public static (TrainingTask Task, IReadOnlyList<object> Messages) On(TrainingTask task, TaskEvent happened) => happened switch
    {
        TrainingFinished finished => On(task, finished),
        UpdateStored stored => On(task, stored),
        TaskFailed failed => On(task, failed),
        WorkerStopping stopping => On(task, stopping),
        RenewalDue due => On(task, due),
        _ => throw new UnreachableException($"{happened.GetType().Name} is no event of a task."),
    };

    /// <summary>Training is finished and its bytes are kept on this worker's disk.</summary>
    public static (TrainingTask Task, IReadOnlyList<object> Messages) On(TrainingTask task, TrainingFinished finished)
    {
        if (task.State != TaskState.Accepted)
        {
            return (task, []);
        }

        if (task.Result is { } known && known.Update != finished.Result.Update)
        {
            var detail = $"Training again gave update {finished.Result.Update.Sha256}; expected {known.Update.Sha256} as before.";
            return Interrupt(task, InterruptionCode.Failed, detail);
        }

        return (task with { State = TaskState.Trained, Result = task.Result ?? finished.Result }, []);
    }

    /// <summary>The update store holds every byte, under the lease of the event.</summary>
    public static (TrainingTask Task, IReadOnlyList<object> Messages) On(TrainingTask task, UpdateStored stored)
    {
        if (task.IsEnded || task.Result is null || stored.LeaseNumber != task.Command.LeaseNumber)
        {
            return (task, []);
        }

        var announced = task with { State = TaskState.Announced };
        return (announced, [TaskMessages.EndOf(announced)]);
    }

    /// <summary>The task can't be brought to an update under the lease of the event.</summary>
    public static (TrainingTask Task, IReadOnlyList<object> Messages) On(TrainingTask task, TaskFailed failed) =>
        task.IsEnded || failed.LeaseNumber != task.Command.LeaseNumber ? (task, []) : Interrupt(task, failed.ReasonCode, failed.Detail);

    /// <summary>The worker stops: without finished bytes the lease goes back, with them the update is announced after the next start.</summary>
    public static (TrainingTask Task, IReadOnlyList<object> Messages) On(TrainingTask task, WorkerStopping _) =>
        task.State == TaskState.Accepted ? Interrupt(task, InterruptionCode.Stopping, "The worker stops; the lease is handed back.") : (task, []);

    /// <summary>A third of the lease has passed.</summary>
    public static (TrainingTask Task, IReadOnlyList<object> Messages) On(TrainingTask task, RenewalDue due) =>
        task.IsEnded ? (task, []) : (task, [TaskMessages.Renewed(task.Command, due.WorkerId)]);

    private static (TrainingTask Task, IReadOnlyList<object> Messages) Take(TrainingTask? task, TrainClient command, TakeContext context)
    {
        var obstacle = context.Now >= command.DeadlineAt
            ? new TaskEnd(RefusalCode.Expired, $"The task was taken at {context.Now:O}, after its deadline {command.DeadlineAt:O}.")
            : context.Obstacle;
        if (obstacle is null)
        {
            var accepted = new TrainingTask { Command = command, State = TaskState.Accepted, Result = task?.Result };
            return (accepted, [TaskMessages.Accepted(command, context.WorkerId)]);
        }

        if (context.KnowsAll && task is null or { State: TaskState.Refused })
        {
            var refused = new TrainingTask { Command = command, State = TaskState.Refused, End = obstacle };
            return (refused, [TaskMessages.EndOf(refused)]);
        }

        var reissued = (task ?? new TrainingTask { Command = command, State = TaskState.Accepted }) with { Command = command };
        return reissued.State == TaskState.Announced
            ? (reissued, [TaskMessages.EndOf(reissued)])
            : Interrupt(reissued, InterruptionCode.Failed, obstacle.Detail);
    }

    private static (TrainingTask Task, IReadOnlyList<object> Messages) Interrupt(TrainingTask task, string code, string detail)
    {
        var interrupted = task with { State = TaskState.Interrupted, End = new TaskEnd(code, detail) };
        return (interrupted, [TaskMessages.EndOf(interrupted)]);
    }
}

public enum TaskState
{
    /// <summary>Stored and promised; waits for its thread, or trains.</summary>
    Accepted,

    /// <summary>The update's bytes are on this worker's disk and are on their way to the update store.</summary>
    Trained,

    /// <summary>The update store has the bytes and the announcement is committed. Final.</summary>
    Announced,

    /// <summary>Never accepted. Final.</summary>
    Refused,

    /// <summary>Accepted, and ended without an update. Final, unless the task is issued again.</summary>
    Interrupted,
}

/// <summary>What local training gave.</summary>
public record TaskResult
{
    public required BlobRef Update { get; init; }

    /// <summary>Training examples n_k; null where the privacy mode forbids it.</summary>
    public required int? ExampleCount { get; init; }

    /// <summary>Mean loss over the last local epoch; null in a private run.</summary>
    public required double? TrainingLoss { get; init; }

    /// <summary>Time spent in training, in seconds; null in a private run.</summary>
    public required double? TrainingSeconds { get; init; }

    /// <summary>The client's word for the update; null where the worker has no key.</summary>
    public UpdateSignature? Signature { get; init; }
}

/// <summary>Why a task has no update.</summary>
/// <param name="ReasonCode">One of <see cref="RefusalCode"/> or <see cref="InterruptionCode"/>.</param>
/// <param name="Detail">One sentence that names the value and what was expected.</param>
public record TaskEnd(string ReasonCode, string Detail);

/// <summary>What the worker knows when it takes a command.</summary>
/// <param name="Obstacle">Why it can't train this client on this data; null when it can.</param>
/// <param name="KnowsAll">
/// Whether it remembers every task it ever took. A worker that was restored may have trained this one before: it refuses none, because that is proof that
/// nothing left the client.
/// </param>
public record TakeContext(string WorkerId, DateTimeOffset Now, TaskEnd? Obstacle, bool KnowsAll = true);

public static class RefusalCode
{
    public const string Expired = "EXPIRED";
    public const string UnknownClient = "UNKNOWN_CLIENT";
    public const string UnknownDataSet = "UNKNOWN_DATA_SET";
    public const string BadData = "BAD_DATA";

    /// <summary>The run counts other privacy units than the data set's owner does.</summary>
    public const string OtherPrivacyUnit = "OTHER_PRIVACY_UNIT";

    /// <summary>The task takes more than the owner lets this data spend, by the worker's own books.</summary>
    public const string OwnerLimit = "OWNER_LIMIT";
}

public static class InterruptionCode
{
    public const string Stopping = "STOPPING";

    /// <summary>No sign of life for a whole lease, by this worker's clock: the task may be another's by now, and if not it may become it.</summary>
    public const string LeaseLost = "LEASE_LOST";

    public const string Failed = "FAILED";
}
