using System.Threading.Channels;
using FlEvents.Aggregator.Storage;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Admission;

/// <summary>
/// Deletes what nobody needs any more: updates of final rounds and of clients that have left, uploads that no round claimed or that were never
/// finished, and messages whose round never came.
/// </summary>
public sealed class UpdateCollection(
    AggregatorDatabase database, AggregatorOptions options, BlobStores blobs, PartialUploads partials, Patience patience, TimeProvider time)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);
    private readonly Channel<Func<CancellationToken, Task>> _requests = Channel.CreateUnbounded<Func<CancellationToken, Task>>();

    /// <summary>A round is final.</summary>
    public void RoundEnded(Guid roundId) => _requests.Writer.TryWrite(token => DeleteAsync(transaction => UploadStore.OverOfRound(transaction, roundId), token));

    /// <summary>A client has left: its updates of final rounds go now, the others when their rounds are final.</summary>
    public void ClientLeft() => _requests.Writer.TryWrite(DeleteOverAsync);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await DeleteUnknownAsync(stoppingToken);
            _requests.Writer.TryWrite(CollectAsync);
            using var timer = time.CreateTimer(_ => _requests.Writer.TryWrite(CollectAsync), null, Pause, Pause);
            await foreach (var request in _requests.Reader.ReadAllAsync(stoppingToken))
            {
                await request(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start looks at everything again.
        }
    }

    private async Task CollectAsync(CancellationToken cancellationToken)
    {
        await DeleteOverAsync(cancellationToken);
        await patience.RunAsync("delete unfinished uploads", DeleteUnfinished, cancellationToken);
        await database.WriteUnsyncedAsync(transaction => BookStore.ForgetEarly(transaction, Unclaimed), cancellationToken);
    }

    private Task DeleteOverAsync(CancellationToken cancellationToken) => DeleteAsync(transaction => UploadStore.Over(transaction, Unclaimed), cancellationToken);

    private DateTimeOffset Unclaimed => time.GetUtcNow() - TimeSpan.FromHours(options.UnclaimedUploadHours);

    private async Task DeleteAsync(Func<Transaction, IReadOnlyList<Upload>> select, CancellationToken cancellationToken)
    {
        var uploads = await patience.RunAsync("look for updates to delete", () => database.Read(select), cancellationToken);
        if (uploads.Count > 0)
        {
            await database.WriteUnsyncedAsync(transaction => uploads.ToList().ForEach(upload => UploadStore.Delete(transaction, upload)), cancellationToken);
            await DeleteBytesAsync(uploads.Select(upload => upload.Sha256), cancellationToken);
        }
    }

    // In the writer's turn, because an update with the same bytes may come in now: its row is there before, or its bytes are renamed after.
    private Task DeleteBytesAsync(IEnumerable<string> names, CancellationToken cancellationToken) => database.WriteUnsyncedAsync(
        transaction =>
        {
            foreach (var name in names.Where(name => !UploadStore.IsReferenced(transaction, name)))
            {
                blobs.Updates.Delete(name);
            }
        },
        cancellationToken);

    // A crash can leave bytes whose row is gone; never the other way round for an update that was admitted.
    private async Task DeleteUnknownAsync(CancellationToken cancellationToken)
    {
        var unknown = await patience.RunAsync(
            "look for bytes without a row",
            () =>
            {
                var names = blobs.Updates.Names().ToList();
                names.RemoveAll(database.Read(UploadStore.Hashes).Contains);
                return names;
            },
            cancellationToken);
        await DeleteBytesAsync(unknown, cancellationToken);
    }

    private void DeleteUnfinished()
    {
        var unclaimed = Unclaimed;
        foreach (var (path, reservationId) in partials.WrittenBefore(time.GetUtcNow() - Pause).ToList())
        {
            if (File.GetLastWriteTimeUtc(path) < unclaimed.UtcDateTime || database.Read(transaction => UploadStore.IsClosed(transaction, reservationId)))
            {
                File.Delete(path);
            }
        }
    }
}
