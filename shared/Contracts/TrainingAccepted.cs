namespace FlEvents.Contracts;

/// <summary>Event: a worker has stored a task; its lease runs from here.</summary>
public record TrainingAccepted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int LeaseNumber { get; init; }
    public required string WorkerId { get; init; }
}
