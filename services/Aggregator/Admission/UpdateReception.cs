using System.Security.Cryptography;
using System.Text;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Admission;

/// <summary>Takes in clients' updates: a row for every blob before its bytes get their name.</summary>
public sealed class UpdateReception(AggregatorDatabase database, AggregatorOptions options, BlobStores blobs, RunModels runs)
{
    /// <summary>Whether a lease token opens the upload of a task; null when no book knows the task yet.</summary>
    public bool? IsAuthorized(Guid reservationId, string leaseToken)
    {
        var member = database.Read(transaction => BookStore.FindByReservation(transaction, reservationId));
        return member is null ? null : CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.ASCII.GetBytes(leaseToken)), Convert.FromHexString(member.LeaseTokenSha256));
    }

    /// <summary>Most bytes that are taken for a task some book knows: what its run's model allows, within this service's own limit.</summary>
    public long LargestBytes(Guid reservationId)
    {
        var book = database.Read(transaction =>
            BookStore.FindByReservation(transaction, reservationId) is { } member ? BookStore.Find(transaction, member.RoundId) : null);
        return book is not null && runs.Find(book.RunId) is { } run
            ? Math.Min(options.LargestBlobBytes, UpdateInspection.LargestBytes(run.Model.Layout))
            : options.LargestBlobBytes;
    }

    /// <summary>Updates received for a task.</summary>
    public IReadOnlyList<Upload> Received(Guid reservationId) => database.Read(transaction => UploadStore.OfReservation(transaction, reservationId));

    /// <summary>Stores bytes that are here in full.</summary>
    public async Task StoreAsync(Guid reservationId, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var staged = blobs.Updates.Stage(bytes.Span);
        await database.WriteAsync(
            transaction =>
            {
                if (IsFurther(transaction, reservationId, staged.Ref.Sha256))
                {
                    ChargeFurther(transaction, reservationId, staged.Ref.Sha256);
                }

                UploadStore.Insert(transaction, reservationId, staged.Ref.Sha256, staged.Ref.SizeBytes);
            },
            cancellationToken);
        blobs.Updates.Publish(staged);
    }

    /// <summary>Stores a file that was received in full, on the updates' volume; nobody else writes to it.</summary>
    /// <returns>Whether it is the task's first update, or the same as the first; a different one is discarded.</returns>
    public async Task<bool> StoreAsync(Guid reservationId, string receivedFile, CancellationToken cancellationToken)
    {
        var staged = blobs.Updates.Stage(receivedFile);
        var isFirst = await database.WriteAsync(
            transaction =>
            {
                if (IsFurther(transaction, reservationId, staged.Ref.Sha256))
                {
                    ChargeFurther(transaction, reservationId, staged.Ref.Sha256);
                    return false;
                }

                UploadStore.Insert(transaction, reservationId, staged.Ref.Sha256, staged.Ref.SizeBytes);
                return true;
            },
            cancellationToken);
        if (isFirst)
        {
            blobs.Updates.Publish(staged);
        }
        else
        {
            BlobFolder.Discard(staged);
        }

        return isFirst;
    }

    private static bool IsFurther(Transaction transaction, Guid reservationId, string sha256) =>
        UploadStore.OfReservation(transaction, reservationId).Any(upload => upload.Sha256 != sha256);

    // This service has seen both: where each was noised apart, the second is one more output of the same data (privacy rule 17).
    private void ChargeFurther(Transaction transaction, Guid reservationId, string sha256)
    {
        if (BookStore.FindByReservation(transaction, reservationId) is not { } member || BookStore.Find(transaction, member.RoundId) is not { } book
            || runs.Find(book.RunId) is not { Spec.Privacy: { } privacy } || !(privacy.HasLocal || privacy.HasExample))
        {
            return;
        }

        transaction.Send(new ChargeOutput
        {
            RunId = book.RunId,
            RoundId = book.RoundId,
            Round = book.Round,
            ClientId = member.ClientId,
            ReservationId = reservationId,
            UpdateSha256 = sha256,
        });
    }
}
