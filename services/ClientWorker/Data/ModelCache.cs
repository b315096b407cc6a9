using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.ClientWorker.Data;

/// <summary>The newest few global models, fetched once for all clients and slots.</summary>
public sealed class ModelCache(IModelSource models, TimeProvider time)
{
    // Whoever asks may give up sooner; a load that hangs must not stay for those who ask next.
    private static readonly TimeSpan LongestRead = TimeSpan.FromMinutes(10);

    // One in training, one in evaluation, for two runs.
    private const int ModelsKept = 4;
    private readonly NewestCache<BlobRef, byte[]> _bytes = new(ModelsKept);

    /// <summary>A model's weights, shape [P]; not to be changed.</summary>
    /// <exception cref="BlobException">The blob is missing or not what its name says.</exception>
    /// <exception cref="SafetensorsException">Its tensors are not those of <paramref name="model"/>; the message names the first.</exception>
    public async Task<float[]> ReadAsync(BlobRef blob, Model model, CancellationToken cancellationToken)
    {
        var bytes = await _bytes.GetAsync(blob, () => LoadAsync(blob), cancellationToken);
        using var stream = new MemoryStream(bytes, writable: false);
        return SafetensorsHeader.Read(stream, bytes.Length).ReadWeights(stream, model.Layout);
    }

    private async Task<byte[]> LoadAsync(BlobRef blob)
    {
        using var longest = new CancellationTokenSource(LongestRead, time);
        return await models.ReadAsync(blob, longest.Token);
    }
}
