using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Updates;

/// <summary>The update store as a worker sees it, write-only: over HTTP, or the Aggregator's folder in the same process.</summary>
public interface IUpdateSink
{
    /// <summary>Whether the store already holds every byte that was submitted for a reservation.</summary>
    /// <exception cref="UploadRefusedException">The lease token is not good for the reservation.</exception>
    Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken);

    /// <summary>Stores an update under its reservation; the same bytes again are fine.</summary>
    /// <param name="bytes">The update; its hash and length are those of <paramref name="update"/>.</param>
    /// <param name="signature">The client's word for it; null where it has no key.</param>
    /// <exception cref="UploadRefusedException">The token is wrong, or another update is there or announced: trying again can't help.</exception>
    /// <exception cref="HttpRequestException">The store can't be reached or is not ready: try again.</exception>
    /// <exception cref="IOException">As above.</exception>
    Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken);
}

/// <summary>The update store will not take these bytes under this lease. The message names the reservation and the reason.</summary>
public sealed class UploadRefusedException(string message) : Exception(message);
