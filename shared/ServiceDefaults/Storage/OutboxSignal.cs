namespace FlEvents.ServiceDefaults.Storage;

/// <summary>Wakes the dispatcher after a commit; signals that come while it is awake are kept as one.</summary>
public sealed class OutboxSignal : IDisposable
{
    private readonly SemaphoreSlim _semaphore = new(0, 1);

    public void Set()
    {
        try
        {
            _semaphore.Release();
        }
        catch (SemaphoreFullException)
        {
            // Already set: the dispatcher reads everything that is there when it wakes.
        }
    }

    public void Dispose() => _semaphore.Dispose();

    /// <returns>Whether it was set before <paramref name="longest"/> passed.</returns>
    public Task<bool> WaitAsync(TimeSpan longest, CancellationToken cancellationToken) => _semaphore.WaitAsync(longest, cancellationToken);
}
