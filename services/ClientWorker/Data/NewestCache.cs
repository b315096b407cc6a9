namespace FlEvents.ClientWorker.Data;

/// <summary>Keeps the values that were asked for last, each loaded once however many ask at the same time. A failed load is not kept.</summary>
/// <param name="capacity">Most values kept, at least 1; one that is being loaded counts.</param>
public sealed class NewestCache<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Lock _lock = new();

    // The newest last; a handful, so that a scan is cheaper than an index.
    private readonly List<(TKey Key, Task<TValue> Value)> _entries = [];

    /// <param name="load">Starts the load; called under no caller's cancellation, since several may wait for it.</param>
    public async Task<TValue> GetAsync(TKey key, Func<Task<TValue>> load, CancellationToken cancellationToken)
    {
        var value = Touch(key, load);
        try
        {
            return await value.WaitAsync(cancellationToken);
        }
        catch when (value.IsFaulted || value.IsCanceled)
        {
            Drop(value);
            throw;
        }
    }

    private Task<TValue> Touch(TKey key, Func<Task<TValue>> load)
    {
        lock (_lock)
        {
            var at = _entries.FindIndex(entry => EqualityComparer<TKey>.Default.Equals(entry.Key, key));
            var entry = at >= 0 ? _entries[at] : (key, load());
            if (at >= 0)
            {
                _entries.RemoveAt(at);
            }
            else if (_entries.Count == capacity)
            {
                _entries.RemoveAt(0);
            }

            _entries.Add(entry);
            return entry.Item2;
        }
    }

    private void Drop(Task<TValue> value)
    {
        lock (_lock)
        {
            _entries.RemoveAll(entry => ReferenceEquals(entry.Value, value));
        }
    }
}
