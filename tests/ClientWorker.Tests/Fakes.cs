using System.Collections.Concurrent;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.Learning.Training;

namespace FlEvents.ClientWorker.Tests;

/// <summary>An update store in memory that can be away, or refuse.</summary>
internal sealed class MemorySink : IUpdateSink
{
    public ConcurrentDictionary<Guid, byte[]> Updates { get; } = new();

    /// <summary>Tokens of the submissions, in order.</summary>
    public ConcurrentQueue<string> Tokens { get; } = new();

    /// <summary>While set, every call fails with it.</summary>
    public Func<Exception>? Fault { get; set; }

    /// <summary>Submissions go on once it has completed.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Released when a submission has begun.</summary>
    public SemaphoreSlim Begun { get; } = new(0);

    /// <summary>Set when a call failed.</summary>
    public TaskCompletionSource Failed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<bool> HoldsAsync(Guid reservationId, string leaseToken, BlobRef update, CancellationToken cancellationToken) =>
        Task.FromResult(Updates.TryGetValue(reservationId, out var bytes) && bytes.Length == update.SizeBytes);

    public async Task SubmitAsync(Guid reservationId, string leaseToken, BlobRef update, ReadOnlyMemory<byte> bytes, UpdateSignature? signature, CancellationToken cancellationToken)
    {
        if (Fault is { } fault)
        {
            Failed.TrySetResult();
            throw fault();
        }

        Begun.Release();
        await Gate.WaitAsync(cancellationToken);

        Assert.Equal(update, Commands.RefOf(bytes.ToArray()));
        Updates[reservationId] = bytes.ToArray();
        Tokens.Enqueue(leaseToken);
    }
}

/// <summary>The built-in engine, which counts its jobs and can be held before the first batch.</summary>
internal sealed class HeldEngine : ITrainingEngine, IDisposable
{
    private readonly BuiltInEngine _engine = new();
    private readonly ManualResetEventSlim _released = new(initialState: false);
    private int _jobs;

    public int Jobs => Volatile.Read(ref _jobs);

    /// <summary>Set when a job has begun.</summary>
    public SemaphoreSlim Begun { get; } = new(0);

    public void Release() => _released.Set();

    public TrainingResult Train(TrainingJob job, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _jobs);
        Begun.Release();
        _released.Wait(cancellation);
        return _engine.Train(job, cancellation);
    }

    public void Dispose()
    {
        _released.Dispose();
        Begun.Dispose();
    }
}

/// <summary>The built-in engine, which notes its jobs.</summary>
internal sealed class RecordingEngine : ITrainingEngine
{
    private readonly BuiltInEngine _engine = new();

    public ConcurrentQueue<TrainingJob> Jobs { get; } = new();

    public TrainingResult Train(TrainingJob job, CancellationToken cancellation)
    {
        Jobs.Enqueue(job);
        return _engine.Train(job, cancellation);
    }
}
