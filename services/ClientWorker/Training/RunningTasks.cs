using System.Collections.Concurrent;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Training;

/// <summary>The tasks this process works on now, by reservation.</summary>
public sealed class RunningTasks(TimeProvider time)
{
    private readonly ConcurrentDictionary<Guid, RunningTask> _tasks = new();
    private TaskCompletionSource _changed = NewSignal();

    public int Count => _tasks.Count;

    public IReadOnlyCollection<RunningTask> All => _tasks.Values.ToArray();

    /// <returns>Null when added, else the one that works on the same reservation already.</returns>
    public RunningTask? TryAdd(RunningTask task)
    {
        var present = _tasks.GetOrAdd(task.ReservationId, task);
        Signal();
        return ReferenceEquals(present, task) ? null : present;
    }

    public void Remove(RunningTask task) => _tasks.TryRemove(KeyValuePair.Create(task.ReservationId, task));

    /// <summary>A task in hand was issued again, and the new lease accepted.</summary>
    public void Adopt(TrainClient command)
    {
        if (_tasks.TryGetValue(command.ReservationId, out var task) && command.LeaseNumber > task.Lease.LeaseNumber)
        {
            task.Lease = LeaseClock.StartOf(command, time);
            Signal();
        }
    }

    /// <summary>Waits until a task came or was adopted, or <paramref name="longest"/> has passed.</summary>
    public async Task WaitForChangeAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var changed = Volatile.Read(ref _changed);
        await Task.WhenAny(changed.Task, Task.Delay(longest, time, either.Token));
        await either.CancelAsync();
        if (changed.Task.IsCompleted)
        {
            // Before the caller looks at the tasks: what comes after this look finds the new signal.
            Volatile.Write(ref _changed, NewSignal());
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal() => Volatile.Read(ref _changed).TrySetResult();
}

/// <summary>One task in this process's hands: its lease as this process measures it, and the means to stop it.</summary>
public sealed class RunningTask : IDisposable
{
    // Not disposed: whoever goes through the tasks may ask one, or cancel it, that has just ended.
    private readonly CancellationTokenSource _cancellation = new();
    private readonly CancellationTokenRegistration _stopping;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LeaseClock _lease;

    public RunningTask(Guid reservationId, LeaseClock lease, CancellationToken stopping)
    {
        ReservationId = reservationId;
        _lease = lease;
        _stopping = stopping.Register(_cancellation.Cancel);
    }

    public Guid ReservationId { get; }

    public LeaseClock Lease
    {
        get => Volatile.Read(ref _lease);
        set => Volatile.Write(ref _lease, value);
    }

    /// <summary>Cancelled when the worker stops or the lease is lost.</summary>
    public CancellationToken Cancelled => _cancellation.Token;

    /// <summary>Completes when this process has let go of the task.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Notes a committed sign of life, unless another lease has been adopted meanwhile.</summary>
    /// <param name="held">The lease that was renewed.</param>
    public void Renew(LeaseClock held, long renewedAt) => Interlocked.CompareExchange(ref _lease, held with { RenewedAt = renewedAt }, held);

    public void Cancel() => _cancellation.Cancel();

    public void Complete() => _completion.TrySetResult();

    public void Dispose() => _stopping.Dispose();
}
