namespace FlEvents.ClientWorker.Training;

/// <summary>Something that happened to a task inside this worker. The lease number tells which issue of the task it belongs to.</summary>
public abstract record TaskEvent;

/// <summary>Training is finished and its bytes are kept.</summary>
public sealed record TrainingFinished(TaskResult Result) : TaskEvent;

/// <summary>The update store holds every byte.</summary>
public sealed record UpdateStored(int LeaseNumber) : TaskEvent;

/// <summary>Training or the upload failed for good, or the lease was lost.</summary>
/// <param name="Detail">One sentence that names the value and what was expected.</param>
/// <param name="ReasonCode"><see cref="InterruptionCode.Failed"/> or <see cref="InterruptionCode.LeaseLost"/>.</param>
public sealed record TaskFailed(int LeaseNumber, string Detail, string ReasonCode = InterruptionCode.Failed) : TaskEvent;

/// <summary>The worker was told to stop.</summary>
public sealed record WorkerStopping : TaskEvent;

/// <summary>It is time for a sign of life.</summary>
public sealed record RenewalDue(string WorkerId) : TaskEvent;
