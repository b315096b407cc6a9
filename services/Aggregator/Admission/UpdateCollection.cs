using System.Threading.Channels;
using FlEvents.Aggregator.Storage;

namespace FlEvents.Aggregator.Admission;

/// <summary>Deletes updates that nobody needs any more: of final rounds, of clients that have left, and uploads that no round claimed.</summary>
public sealed class UpdateCollection(AggregatorDatabase database, AggregatorOptions options, BlobStores blobs, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);
    private readonly Channel<Func<IReadOnlyList<Upload>>> _requests = Channel.CreateUnbounded<Func<IReadOnlyList<Upload>>>();

    /// <summary>A round is final, in a run that keeps no updates.</summary>
    public void RoundEnded(Guid roundId) => _requests.Writer.TryWrite(() => database.Read(transaction => UploadStore.OfRound(transaction, roundId)));

    /// <summary>A client has left: its updates go as soon as their rounds are final.</summary>
    public void ClientLeft(string clientId) => _requests.Writer.TryWrite(() => database.Read(transaction => UploadStore.OfClient(transaction, clientId)));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DeleteUnknown();
        using var timer = new Timer(_ => _requests.Writer.TryWrite(Collectable), null, TimeSpan.Zero, Pause);
        try
        {
            await foreach (var request in _requests.Reader.ReadAllAsync(stoppingToken))
            {
                await DeleteAsync(request(), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next start looks at everything again.
        }
    }

    private IReadOnlyList<Upload> Collectable() =>
        database.Read(transaction => UploadStore.Collectable(transaction, time.GetUtcNow() - TimeSpan.FromHours(options.UnclaimedUploadHours)));

    private async Task DeleteAsync(IReadOnlyList<Upload> uploads, CancellationToken cancellationToken)
    {
        if (uploads.Count == 0)
        {
            return;
        }

        var unreferenced = new List<string>();
        await database.WriteUnsyncedAsync(
            transaction =>
            {
                unreferenced.Clear();
                unreferenced.AddRange(uploads.Where(upload => UploadStore.Delete(transaction, upload)).Select(upload => upload.Sha256));
            },
            cancellationToken);
        unreferenced.ForEach(blobs.Updates.Delete);
    }

    // A crash can leave bytes whose row is gone; never the other way round for an update that was admitted.
    private void DeleteUnknown()
    {
        // Names first: an update that comes meanwhile has its row before it has its name.
        var names = blobs.Updates.Names().ToList();
        names.RemoveAll(database.Read(UploadStore.Hashes).Contains);
        names.ForEach(blobs.Updates.Delete);
    }
}
