using System.Diagnostics;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Training;

/// <summary>The events a task sends, from what is stored of it: the same row gives the same event.</summary>
public static class TaskMessages
{
    public static TrainingAccepted Accepted(TrainClient command, string workerId) => new()
    {
        RunId = command.RunId,
        RoundId = command.RoundId,
        Round = command.Round,
        ClientId = command.ClientId,
        ReservationId = command.ReservationId,
        LeaseNumber = command.LeaseNumber,
        WorkerId = workerId,
    };

    public static LeaseRenewed Renewed(TrainClient command, string workerId) => new()
    {
        RunId = command.RunId,
        RoundId = command.RoundId,
        Round = command.Round,
        ClientId = command.ClientId,
        ReservationId = command.ReservationId,
        LeaseNumber = command.LeaseNumber,
        WorkerId = workerId,
    };

    /// <summary>The event of a final state.</summary>
    public static object EndOf(TrainingTask task) => task.State switch
    {
        TaskState.Announced => Submitted(task.Command, task.Result!),
        TaskState.Refused => Refused(task.Command, task.End!),
        TaskState.Interrupted => Interrupted(task.Command, task.End!),
        _ => throw new UnreachableException($"A task that is {task.State} has not ended."),
    };

    private static UpdateSubmitted Submitted(TrainClient command, TaskResult result) => new()
    {
        RunId = command.RunId,
        RoundId = command.RoundId,
        Round = command.Round,
        ClientId = command.ClientId,
        ReservationId = command.ReservationId,
        Attempt = command.Attempt,
        LeaseNumber = command.LeaseNumber,
        LeaseToken = command.LeaseToken,
        BaseModelSha256 = command.BaseModel.Sha256,
        Update = result.Update,
        ExampleCount = result.ExampleCount,
        TrainingLoss = result.TrainingLoss,
        TrainingSeconds = result.TrainingSeconds,
        Signature = result.Signature,
    };

    private static TrainingRefused Refused(TrainClient command, TaskEnd end) => new()
    {
        RunId = command.RunId,
        RoundId = command.RoundId,
        Round = command.Round,
        ClientId = command.ClientId,
        ReservationId = command.ReservationId,
        LeaseNumber = command.LeaseNumber,
        RefusalSha256 = LeaseToken.RefusalOf(command.LeaseToken),
        ReasonCode = end.ReasonCode,
        Detail = end.Detail,
    };

    private static TrainingInterrupted Interrupted(TrainClient command, TaskEnd end) => new()
    {
        RunId = command.RunId,
        RoundId = command.RoundId,
        Round = command.Round,
        ClientId = command.ClientId,
        ReservationId = command.ReservationId,
        LeaseNumber = command.LeaseNumber,
        ReasonCode = end.ReasonCode,
        Detail = end.Detail,
    };
}
