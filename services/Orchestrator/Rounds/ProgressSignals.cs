using System.Collections.Concurrent;
using System.Threading.Channels;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>Tells those who watch a run that something changed. They read what it is: a missed signal loses nothing.</summary>
public sealed class ProgressSignals
{
    /// <summary>Stands for whatever run there is, for those who watch all.</summary>
    public static readonly Guid AnyRun = Guid.Empty;

    private readonly ConcurrentDictionary<Guid, ConcurrentDictionary<Channel<bool>, bool>> _watchers = new();

    public void Changed(Guid runId)
    {
        Tell(runId);
        Tell(AnyRun);
    }

    /// <summary>Yields once at the start and after each change, several changes as one.</summary>
    public async IAsyncEnumerable<bool> WatchAsync(Guid runId, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watcher = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var watchers = _watchers.GetOrAdd(runId, _ => new ConcurrentDictionary<Channel<bool>, bool>());
        watchers[watcher] = true;
        watcher.Writer.TryWrite(true);
        try
        {
            await foreach (var change in watcher.Reader.ReadAllAsync(cancellationToken))
            {
                yield return change;
            }
        }
        finally
        {
            watchers.TryRemove(watcher, out _);
        }
    }

    private void Tell(Guid runId)
    {
        if (_watchers.TryGetValue(runId, out var watchers))
        {
            foreach (var watcher in watchers.Keys)
            {
                watcher.Writer.TryWrite(true);
            }
        }
    }
}
