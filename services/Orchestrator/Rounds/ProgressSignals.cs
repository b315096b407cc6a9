using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>Tells those who watch a run, or all of them, that something changed.</summary>
public sealed class ProgressSignals : Signals<Guid>
{
    /// <summary>Stands for whatever run there is, for those who watch all.</summary>
    public static readonly Guid AnyRun = Guid.Empty;

    public override void Changed(Guid watched)
    {
        base.Changed(watched);
        base.Changed(AnyRun);
    }
}

/// <summary>Tells a client that asks over HTTPS that there may be a task for it.</summary>
public sealed class EdgeSignals : Signals<string>;

/// <summary>Tells those who watch something that it changed. They read what it is: a missed signal loses nothing.</summary>
public abstract class Signals<T>
    where T : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<T, List<Channel<bool>>> _watchers = [];

    /// <summary>How much is watched: of what nobody watches nothing is kept.</summary>
    public int Watched
    {
        get
        {
            lock (_lock)
            {
                return _watchers.Count;
            }
        }
    }

    public virtual void Changed(T watched)
    {
        lock (_lock)
        {
            foreach (var watcher in _watchers.GetValueOrDefault(watched, []))
            {
                watcher.Writer.TryWrite(true);
            }
        }
    }

    /// <summary>Yields once at the start and after each change, several changes as one: true for those.</summary>
    /// <param name="longestQuiet">Yields false where so long nothing changed; never where it is null.</param>
    public async IAsyncEnumerable<bool> WatchAsync(T watched, [EnumeratorCancellation] CancellationToken cancellationToken, TimeSpan? longestQuiet = null)
    {
        var watcher = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        lock (_lock)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(_watchers, watched, out _) ??= []).Add(watcher);
        }

        watcher.Writer.TryWrite(true);
        try
        {
            while (true)
            {
                yield return await IsChangedAsync(watcher.Reader, longestQuiet ?? Timeout.InfiniteTimeSpan, cancellationToken);
            }
        }
        finally
        {
            lock (_lock)
            {
                var watchers = _watchers[watched];
                watchers.Remove(watcher);
                if (watchers.Count == 0)
                {
                    _watchers.Remove(watched);
                }
            }
        }
    }

    private static async Task<bool> IsChangedAsync(ChannelReader<bool> changes, TimeSpan longest, CancellationToken cancellationToken)
    {
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        quiet.CancelAfter(longest);
        try
        {
            return await changes.ReadAsync(quiet.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
