using System.Security.Cryptography;
using System.Text;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.Aggregator.Admission;

/// <summary>Takes in clients' updates: a row for every blob before its bytes get their name.</summary>
public sealed class UpdateReception(AggregatorDatabase database, AggregatorOptions options, BlobStores blobs, RunModels runs)
{
    /// <summary>Whether a lease token opens the upload of a task; null when no book knows the task, or this issue of it, yet.</summary>
    public bool? IsAuthorized(Guid reservationId, string leaseToken)
    {
        var (member, book) = database.Read(transaction => BookStore.FindByReservation(transaction, reservationId) is { } found
            ? (found, BookStore.Find(transaction, found.RoundId))
            : (null, null));

        // A book that is closed, or has the client's answer, takes no further issue of the task: there is nothing to wait for.
        var mayBeIssued = member is null || (member.State == BookMemberState.Open && book!.State == BookState.Open && LeaseToken.NumberOf(leaseToken) > member.LeaseNumber);
        return mayBeIssued ? null : CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.ASCII.GetBytes(leaseToken)), Convert.FromHexString(member!.LeaseTokenSha256));
    }

    /// <summary>Checks an update's signature before its bytes are sent.</summary>
    /// <param name="sha256">The update that is to come; null where its sender does not say.</param>
    /// <param name="signature">What the sender says beside; null where it says nothing.</param>
    /// <returns>The statement that was signed, null where the task's client has no key; or what is wrong with it, a sentence.</returns>
    public (SignedStatement? Signed, string? Defect) Check(Guid reservationId, string? sha256, long size, UpdateSignature? signature)
    {
        var (member, book) = database.Read(transaction => BookStore.FindByReservation(transaction, reservationId) is { } found
            ? (found, BookStore.Find(transaction, found.RoundId))
            : (null, null));
        if (member is not { KeySha256: not null } || runs.Find(book!.RunId) is not { Spec: var run })
        {
            return (null, null);
        }

        if (sha256 is null)
        {
            return (null, $"{member.ClientId} has key {member.KeySha256}; expected the hash of its update before the update.");
        }

        var update = new BlobRef { Sha256 = sha256, SizeBytes = size };
        return SignedUpdate.Defect(book, member, run, update, signature, signature?.ExampleCount) is { } defect
            ? (null, defect)
            : (new SignedStatement { Statement = SignedUpdate.StatementOf(book, member, run, update, signature!).Text, PublicKey = signature!.PublicKey, Value = signature.Value }, null);
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

    /// <summary>The model that a task begins from; null when no book knows the task.</summary>
    public string? BaseModelOf(Guid reservationId) => database.Read(transaction =>
        BookStore.FindByReservation(transaction, reservationId) is { } member ? BookStore.Find(transaction, member.RoundId)?.BaseModel.Sha256 : null);

    /// <summary>Updates received for a task. A row alone is no update: a crash may have come between it and its bytes' name.</summary>
    public IReadOnlyList<Upload> Received(Guid reservationId) =>
        [.. database.Read(transaction => UploadStore.OfReservation(transaction, reservationId)).Where(upload => blobs.Updates.Contains(upload.Sha256))];

    /// <summary>Asks for the place of a task's update before its bytes are sent.</summary>
    /// <returns>Whether they are to be sent: no other update of the task came, or was offered by a client that adds noise.</returns>
    public async Task<bool> OfferAsync(Guid reservationId, string sha256, CancellationToken cancellationToken) => await database.WriteAsync(
        transaction => Bookkeeping.OnOffered(new BookTables(transaction, runs), reservationId, sha256), cancellationToken);

    /// <summary>Stores bytes that are here in full.</summary>
    public async Task StoreAsync(Guid reservationId, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var staged = blobs.Updates.Stage(bytes.Span);
        await database.WriteAsync(
            transaction =>
            {
                Bookkeeping.OnReceived(new BookTables(transaction, runs), reservationId, staged.Ref.Sha256);
                UploadStore.Insert(transaction, reservationId, staged.Ref.Sha256, staged.Ref.SizeBytes);
            },
            cancellationToken);
        blobs.Updates.Publish(staged);
    }

    /// <summary>Stores a file that was received in full, on the updates' volume; nobody else writes to it.</summary>
    /// <param name="signed">What its client has signed; null where it has no key.</param>
    /// <param name="expected">The hash that was signed; null where none was. Other bytes are discarded unseen: nobody has answered for them.</param>
    /// <returns>Whether it is the task's first update, or the same as the first; a different one is discarded.</returns>
    /// <exception cref="BlobException">The bytes are not those that were signed.</exception>
    public async Task<bool> StoreAsync(Guid reservationId, string receivedFile, SignedStatement? signed, string? expected, CancellationToken cancellationToken)
    {
        var staged = blobs.Updates.Stage(receivedFile);
        if (signed is not null && staged.Ref.Sha256 != expected)
        {
            BlobFolder.Discard(staged);
            throw new BlobException($"The bytes have the hash {staged.Ref.Sha256}; what was signed is {expected}.");
        }

        var isFirst = await database.WriteAsync(
            transaction =>
            {
                if (!Bookkeeping.OnReceived(new BookTables(transaction, runs), reservationId, staged.Ref.Sha256, signed))
                {
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
}
