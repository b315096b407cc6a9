using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Blobs;

/// <summary>The Aggregator's folder, when it shares the process.</summary>
public sealed class FolderModelSource(BlobFolder models) : IModelSource
{
    public Task<byte[]> ReadAsync(BlobRef model, CancellationToken cancellationToken) => Task.FromResult(models.Read(model, limit: model.SizeBytes));
}
