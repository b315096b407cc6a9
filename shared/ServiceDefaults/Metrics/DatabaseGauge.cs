using System.Diagnostics.Metrics;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>A gauge that is one row of a database, found by its key: read at every look.</summary>
public static class DatabaseGauge
{
    /// <returns>Nothing while the database can't be read.</returns>
    public static IEnumerable<Measurement<long>> Of(Database database, Func<Transaction, long> query)
    {
        try
        {
            return [new(database.Read(query))];
        }
        catch (Exception e) when (IsUnreadable(e))
        {
            return [];
        }
    }

    /// <summary>Whether a read failed because of the database, be it busy, broken or closed.</summary>
    internal static bool IsUnreadable(Exception exception) => exception is SqliteException or IOException or ObjectDisposedException;
}
