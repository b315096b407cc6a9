namespace FlEvents.Contracts;

/// <summary>Event: an accepted task ended without an update; no blob was stored.</summary>
public record TrainingInterrupted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int LeaseNumber { get; init; }

    /// <summary>
    /// <c>STOPPING</c> when the worker shuts down and hands the lease back, <c>LEASE_LOST</c> when the lease has run out by the worker's own clock, else
    /// <c>FAILED</c>.
    /// </summary>
    public required string ReasonCode { get; init; }

    public required string Detail { get; init; }
}
