using System.Globalization;

namespace FlEvents.ClientWorker.Data;

/// <summary>The clients a worker serves: the one of a silo, or those of a pool by their index.</summary>
public sealed class ClientRoster
{
    private const string IndexFormat = "000000";
    private readonly string? _clientId;
    private readonly string _prefix = "";

    private ClientRoster(string? pool, string? clientId, int count)
    {
        _clientId = clientId;
        _prefix = $"{pool}-";
        Pool = pool;
        Count = count;
    }

    /// <summary>Null for a silo.</summary>
    public string? Pool { get; }

    /// <summary>The client of a silo; null for a pool.</summary>
    public string? ClientId => _clientId;

    public int Count { get; }

    public static ClientRoster OfSilo(string clientId) => new(null, clientId, 1);

    /// <param name="count">From 1 to 1,000,000.</param>
    public static ClientRoster OfPool(string pool, int count) => new(pool, null, count);

    /// <summary>
    /// A client's id: its pool and its index with six digits, whatever the pool's size, so that ids sort by index and stay when the pool grows.
    /// </summary>
    /// <param name="index">From 0.</param>
    public string IdOf(int index) => _clientId ?? _prefix + index.ToString(IndexFormat, CultureInfo.InvariantCulture);

    /// <returns>The client's index from 0, or null when this worker does not serve it.</returns>
    public int? IndexOf(string clientId)
    {
        if (_clientId is not null)
        {
            return clientId == _clientId ? 0 : null;
        }

        return clientId.Length == _prefix.Length + IndexFormat.Length
            && clientId.StartsWith(_prefix, StringComparison.Ordinal)
            && int.TryParse(clientId.AsSpan(_prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            && index < Count
                ? index
                : null;
    }
}
