namespace FlEvents.Contracts;

/// <summary>Public event: a global model can be read from the model store.</summary>
public record ModelPublished
{
    public required Guid RunId { get; init; }

    /// <summary>0 for the initial weights, else the round that made it.</summary>
    public required int Version { get; init; }

    public required BlobRef Model { get; init; }
    public required int ParameterCount { get; init; }

    /// <summary>The publish gate's proof; null for version 0, which no client's data has touched.</summary>
    public required LedgerReceipt? Receipt { get; init; }
}
