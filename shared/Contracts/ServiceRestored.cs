namespace FlEvents.Contracts;

/// <summary>Event: a service has begun to work with a restored copy of its database, and may have forgotten what it did since that was taken.</summary>
public record ServiceRestored
{
    /// <summary>Its short name: <c>orchestrator</c>, <c>aggregator</c>, <c>privacy-accountant</c> or <c>client-worker</c>.</summary>
    public required string Service { get; init; }

    public required Guid SnapshotId { get; init; }
    public required DateTimeOffset TakenAt { get; init; }
}
