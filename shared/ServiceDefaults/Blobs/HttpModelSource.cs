using System.Net;
using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Blobs;

/// <summary>The Aggregator's <c>GET /models/{sha256}</c>.</summary>
/// <param name="http">Its base address is the Aggregator's.</param>
public sealed class HttpModelSource(HttpClient http) : IModelSource
{
    public async Task<byte[]> ReadAsync(BlobRef model, CancellationToken cancellationToken)
    {
        if (!BlobFolder.IsName(model.Sha256))
        {
            throw new BlobException($"\"{model.Sha256}\" is not a blob's name: 64 lower-case hexadecimal digits.");
        }

        using var response = await http.GetAsync(new Uri($"models/{model.Sha256}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            throw new BlobException($"The Aggregator has no model {model.Sha256}.");
        }

        response.EnsureSuccessStatusCode();
        if (response.Content.Headers.ContentLength != model.SizeBytes)
        {
            throw new BlobException($"Model {model.Sha256} comes with {response.Content.Headers.ContentLength} bytes; announced {model.SizeBytes}.");
        }

        var bytes = new byte[model.SizeBytes];
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await body.ReadExactlyAsync(bytes, cancellationToken);
        return BlobException.Verified(model, bytes);
    }
}
