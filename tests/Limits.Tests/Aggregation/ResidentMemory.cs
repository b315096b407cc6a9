using System.Globalization;

namespace FlEvents.Limits.Tests;

/// <summary>Samples how much memory a process holds, as the kernel counts it, until it is disposed.</summary>
internal sealed class ResidentMemory : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private readonly CancellationTokenSource _enough = new();
    private readonly List<(double Progress, long Bytes)> _samples = [];
    private readonly Task _sampling;

    /// <param name="progress">How far the work is when a sample is taken, from 0 to 1.</param>
    public ResidentMemory(int processId, Func<double> progress)
    {
        Start = Of(processId);
        _sampling = SampleAsync(processId, progress);
    }

    /// <summary>Bytes when sampling began.</summary>
    public long Start { get; }

    /// <summary>Most bytes in the samples of a part of the work; those at its end included.</summary>
    public long Peak(double from, double to)
    {
        lock (_samples)
        {
            return _samples.Where(sample => sample.Progress >= from && sample.Progress <= to).Max(sample => sample.Bytes);
        }
    }

    /// <summary>Bytes that a process holds now: <c>VmRSS</c>.</summary>
    public static long Of(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan("VmRSS:".Length, line.Length - "VmRSS:".Length - "kB".Length).Trim(), CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await _enough.CancelAsync();
        await _sampling;
        _enough.Dispose();
    }

    private async Task SampleAsync(int processId, Func<double> progress)
    {
        while (!_enough.IsCancellationRequested)
        {
            lock (_samples)
            {
                _samples.Add((progress(), Of(processId)));
            }

            await Task.Delay(Pause, _enough.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }
}
