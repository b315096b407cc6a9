using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>
/// What gauges show of a database, read when somebody looks and kept for a second; longer where it takes long, so that at most a twentieth of the time
/// goes into it. A database that can't be read makes the gauges go away for a while, and never makes who looks fail or wait for another's look.
/// </summary>
public sealed class Reading<T>(Database database, Func<Transaction, T> query, TimeProvider time)
    where T : class
{
    private const int LongestShare = 20;
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KeptAfterFault = TimeSpan.FromSeconds(10);
    private readonly Lock _reading = new();
    private volatile T? _value;
    private long? _readAt;
    private TimeSpan _kept;

    /// <summary>Null while the database can't be read.</summary>
    public T? Value
    {
        get
        {
            if (_reading.TryEnter())
            {
                try
                {
                    if (_readAt is not { } readAt || time.GetElapsedTime(readAt) >= _kept)
                    {
                        Read();
                    }
                }
                finally
                {
                    _reading.Exit();
                }
            }

            return _value;
        }
    }

    private void Read()
    {
        var start = time.GetTimestamp();
        try
        {
            _value = database.Read(query);
            var taken = time.GetElapsedTime(start) * LongestShare;
            _kept = taken > Kept ? taken : Kept;
        }
        catch (Exception e) when (DatabaseGauge.IsUnreadable(e))
        {
            _value = null;
            _kept = KeptAfterFault;
        }

        _readAt = time.GetTimestamp();
    }
}
