using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>Tells those who watch a run that something changed.</summary>
public sealed class ProgressSignals : Signals<Guid>;

/// <summary>Tells a client that asks over HTTPS that there may be a task for it.</summary>
public sealed class EdgeSignals : Signals<string>;

/// <summary>Tells those who watch something that it changed. They read what it is: a missed signal loses nothing.</summary>
public abstract class Signals<T>
    where T : notnull
{
    private readonly ConcurrentDictionary<T, ConcurrentDictionary<Channel<bool>, bool>> _watchers = new();

    public void Changed(T watched)
    {
        if (_watchers.TryGetValue(watched, out var watchers))
        {
            foreach (var watcher in watchers.Keys)
            {
                watcher.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>Yields once at the start and after each change, several changes as one.</summary>
    public async IAsyncEnumerable<bool> WatchAsync(T watched, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watcher = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        var watchers = _watchers.GetOrAdd(watched, _ => new ConcurrentDictionary<Channel<bool>, bool>());
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
}
