namespace FlEvents.ClientWorker.Training;

/// <summary>Places for tasks in training. A worker takes a message's work only with a place in hand, so that what it can't start stays with others.</summary>
/// <param name="count">Tasks in training at once.</param>
/// <param name="brokerKeeps">
/// Whether a message whose consumer was cancelled is kept for others. An in-memory bus keeps nothing, and it waits without end for consumers that
/// begin while it stops: it cancels only those it knew then.
/// </param>
public sealed class Slots(int count, bool brokerKeeps) : IDisposable
{
    private readonly SemaphoreSlim _free = new(count, count);
    private readonly CancellationTokenSource _closed = new();
    private int _waiting;

    public int Count => count;

    /// <summary>Calls that wait for a place now.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Places in use now.</summary>
    public int Taken => count - _free.CurrentCount;

    /// <summary>Waits for a place; once closed, where the broker keeps messages, until <paramref name="cancellationToken"/> is cancelled.</summary>
    /// <returns>The place, free again when disposed.</returns>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed.Token);
            try
            {
                await _free.WaitAsync(either.Token);
                if (!_closed.IsCancellationRequested)
                {
                    return new Slot(_free);
                }

                _free.Release();
            }
            catch (OperationCanceledException) when (_closed.IsCancellationRequested)
            {
                // Below: the caller's message must go back to the broker, which happens when its own token is cancelled.
            }

            if (brokerKeeps)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            throw new OperationCanceledException(_closed.Token);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>Hands out no further place, not even one that becomes free.</summary>
    public void Close() => _closed.Cancel();

    public void Dispose()
    {
        _free.Dispose();
        _closed.Dispose();
    }

    private sealed class Slot(SemaphoreSlim free) : IDisposable
    {
        private SemaphoreSlim? _free = free;

        public void Dispose() => Interlocked.Exchange(ref _free, null)?.Release();
    }
}
