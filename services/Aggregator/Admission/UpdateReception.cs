using System.Security.Cryptography;
using System.Text;
using FlEvents.Aggregator.Storage;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.Aggregator.Admission;

/// <summary>Takes in clients' updates: a row for every blob before its bytes get their name.</summary>
public sealed class UpdateReception(AggregatorDatabase database, BlobStores blobs)
{
    /// <summary>Whether a lease token opens the upload of a task; null when no book knows the task yet.</summary>
    public bool? IsAuthorized(Guid reservationId, string leaseToken)
    {
        var member = database.Read(transaction => BookStore.FindByReservation(transaction, reservationId));
        return member is null ? null : CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.ASCII.GetBytes(leaseToken)), Convert.FromHexString(member.LeaseTokenSha256));
    }

    /// <summary>Updates received for a task.</summary>
    public IReadOnlyList<Upload> Received(Guid reservationId) => database.Read(transaction => UploadStore.OfReservation(transaction, reservationId));

    /// <summary>Stores bytes that are here in full.</summary>
    public Task StoreAsync(Guid reservationId, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        NameAsync(reservationId, blobs.Updates.Stage(bytes.Span), cancellationToken);

    /// <summary>Stores a file that was received in full, on the updates' volume.</summary>
    /// <returns>Whether it is the task's first update, or the same as the first; a different one is discarded.</returns>
    public async Task<bool> StoreAsync(Guid reservationId, string receivedFile, CancellationToken cancellationToken)
    {
        var staged = blobs.Updates.Stage(receivedFile);
        if (Received(reservationId).Any(upload => upload.Sha256 != staged.Ref.Sha256))
        {
            BlobFolder.Discard(staged);
            return false;
        }

        await NameAsync(reservationId, staged, cancellationToken);
        return true;
    }

    private async Task NameAsync(Guid reservationId, StagedBlob staged, CancellationToken cancellationToken)
    {
        await database.WriteAsync(
            transaction => UploadStore.Insert(transaction, reservationId, staged.Ref.Sha256, staged.Ref.SizeBytes), cancellationToken);
        blobs.Updates.Publish(staged);
    }
}
