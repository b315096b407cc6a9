namespace FlEvents.Contracts;

/// <summary>Event: an update is in the round's book and will be aggregated.</summary>
public record UpdateAdmitted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required BlobRef Update { get; init; }
    public required int? ExampleCount { get; init; }
    public required double? TrainingLoss { get; init; }
    public required double? TrainingSeconds { get; init; }
}
