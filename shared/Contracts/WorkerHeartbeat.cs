namespace FlEvents.Contracts;

/// <summary>Event: a worker is alive. Sent every few seconds, outside the outbox: a lost one is followed by the next.</summary>
public record WorkerHeartbeat
{
    public required string WorkerId { get; init; }
    public required string? Pool { get; init; }

    /// <summary>The client of a silo worker; null for a pool worker.</summary>
    public required string? ClientId { get; init; }

    /// <summary>Tasks it trains at once.</summary>
    public required int Slots { get; init; }

    /// <summary>Tasks in training now.</summary>
    public required int Running { get; init; }
}
