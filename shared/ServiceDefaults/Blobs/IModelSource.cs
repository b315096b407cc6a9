using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Blobs;

/// <summary>Reads global models: from the Aggregator's folder in the same process, or over its HTTP endpoint.</summary>
public interface IModelSource
{
    /// <summary>A model's bytes, verified against its name.</summary>
    /// <exception cref="BlobException">It is missing, or its bytes are not those of its name.</exception>
    Task<byte[]> ReadAsync(BlobRef model, CancellationToken cancellationToken);
}
