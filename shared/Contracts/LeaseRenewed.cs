namespace FlEvents.Contracts;

/// <summary>Event: the task is still in training; its lease runs anew.</summary>
public record LeaseRenewed
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int LeaseNumber { get; init; }
    public required string WorkerId { get; init; }
}
