using System.Collections.Concurrent;
using FlEvents.ServiceDefaults.Faults;

namespace FlEvents.CrashPoints.Tests;

/// <summary>Thrown wherever a process that has died comes to a crash point.</summary>
public sealed class ProcessDiedException(string point) : Exception($"The process died at {point}.");

/// <summary>Where a process is to die: at the n-th time that it comes to a point, counted from 1.</summary>
internal sealed record Death(string Point, int Hit = 1)
{
    public override string ToString() => Hit == 1 ? Point : $"{Point}, time {Hit}";
}

/// <summary>
/// One start of a process to its end or to its death. From its death on nothing passes a point any more, and whatever outlives a process passes one
/// (a test of the sources says so): what its threads still do until they are stopped is lost with its memory, as if they had stopped at that moment.
/// </summary>
internal sealed class Life : IDisposable
{
    private static readonly ConcurrentDictionary<string, Life> Lives = new();
    private readonly Death? _death;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _died = new();

    static Life() => CrashPoint.Watcher = hit =>
    {
        foreach (var (folder, life) in Lives)
        {
            if (hit.Path.StartsWith(folder, StringComparison.Ordinal))
            {
                life.Pass(hit.Name);
            }
        }
    };

    /// <param name="folder">Everything that this process owns is below it.</param>
    /// <param name="number">From 1, within its story.</param>
    public Life(string folder, int number, Death? death)
    {
        Folder = folder;
        Number = number;
        _death = death;
        Lives[folder] = this;
    }

    public string Folder { get; }

    public int Number { get; }

    /// <summary>Cancelled when the process dies.</summary>
    public CancellationToken Died => _died.Token;

    public bool HasDied { get; private set; }

    /// <summary>How often it came to each point. Read once it is over.</summary>
    public Dictionary<string, int> Hits { get; } = [];

    /// <summary>The points in the order in which it came to them first. Read once it is over.</summary>
    public List<string> Order { get; } = [];

    /// <summary>How often it has come to a point by now.</summary>
    public int Count(string point)
    {
        lock (_lock)
        {
            return Hits.GetValueOrDefault(point);
        }
    }

    public void Dispose()
    {
        Lives.TryRemove(Folder, out _);
        _died.Dispose();
    }

    private void Pass(string point)
    {
        lock (_lock)
        {
            if (!HasDied)
            {
                if (!Hits.TryGetValue(point, out var before))
                {
                    Order.Add(point);
                }

                Hits[point] = before + 1;
                HasDied = _death is not null && point == _death.Point && Hits[point] == _death.Hit;
                if (!HasDied)
                {
                    return;
                }

                // Not here: who waits for it must not go on upon this thread.
                _ = _died.CancelAsync();
            }
        }

        throw new ProcessDiedException(point);
    }
}
