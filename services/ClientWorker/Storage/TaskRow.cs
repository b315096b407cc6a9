using System.Text.Json;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Storage;

/// <summary>A row of <c>tasks</c>.</summary>
public record TaskRow
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public required Guid ReservationId { get; init; }
    public required Guid RunId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required int LeaseNumber { get; init; }
    public required string State { get; init; }
    public required string Command { get; init; }
    public string? UpdateSha256 { get; init; }
    public long? UpdateSizeBytes { get; init; }
    public int? ExampleCount { get; init; }
    public double? TrainingLoss { get; init; }
    public double? TrainingSeconds { get; init; }
    public string? Signature { get; init; }
    public string? ReasonCode { get; init; }
    public string? Detail { get; init; }
    public DateTimeOffset ChangedAt { get; init; }

    public static TaskRow Of(TrainingTask task, DateTimeOffset now) => new()
    {
        ReservationId = task.Command.ReservationId,
        RunId = task.Command.RunId,
        Round = task.Command.Round,
        ClientId = task.Command.ClientId,
        LeaseNumber = task.Command.LeaseNumber,
        State = task.State.ToString(),
        Command = JsonSerializer.Serialize(task.Command, Json),
        UpdateSha256 = task.Result?.Update.Sha256,
        UpdateSizeBytes = task.Result?.Update.SizeBytes,
        ExampleCount = task.Result?.ExampleCount,
        TrainingLoss = task.Result?.TrainingLoss,
        TrainingSeconds = task.Result?.TrainingSeconds,
        Signature = task.Result?.Signature is { } signature ? JsonSerializer.Serialize(signature, Json) : null,
        ReasonCode = task.End?.ReasonCode,
        Detail = task.End?.Detail,
        ChangedAt = now,
    };

    public TrainingTask ToTask() => new()
    {
        Command = JsonSerializer.Deserialize<TrainClient>(Command, Json)!,
        State = Enum.Parse<TaskState>(State),
        Result = UpdateSha256 is null ? null : new TaskResult
        {
            Update = new BlobRef { Sha256 = UpdateSha256, SizeBytes = UpdateSizeBytes!.Value },
            ExampleCount = ExampleCount,
            TrainingLoss = TrainingLoss,
            TrainingSeconds = TrainingSeconds,
            Signature = Signature is null ? null : JsonSerializer.Deserialize<UpdateSignature>(Signature, Json),
        },
        End = ReasonCode is null ? null : new TaskEnd(ReasonCode, Detail!),
    };
}
