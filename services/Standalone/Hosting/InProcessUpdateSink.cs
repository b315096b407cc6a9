using FlEvents.Aggregator.Admission;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;

namespace FlEvents.Standalone.Hosting;

/// <summary>The Aggregator's update store when worker and Aggregator share a process: the bytes go straight to its folder.</summary>
public sealed class InProcessUpdateSink(UpdateReception reception) : IUpdateSink
{
    public Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
        Task.FromResult(reception.Received(reservationId).Any(upload => upload.Sha256 == update.Sha256));

    public async Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken)
    {
        if (!await reception.OfferAsync(reservationId, update.Sha256, cancellationToken))
        {
            throw new UploadRefusedException($"The update store refused reservation {reservationId}: another update is there or announced.");
        }

        await reception.StoreAsync(reservationId, bytes, cancellationToken);
    }
}
