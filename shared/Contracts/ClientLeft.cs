namespace FlEvents.Contracts;

/// <summary>Event: a client has left. Its update blobs are deleted and its tasks dropped; its ledger is kept.</summary>
public record ClientLeft
{
    public required string ClientId { get; init; }
}
