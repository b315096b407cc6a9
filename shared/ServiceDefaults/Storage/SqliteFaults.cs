using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>Which failures pass by themselves or with an operator's help, so that the work is tried again and never lost.</summary>
public static class SqliteFaults
{
    // https://www.sqlite.org/rescode.html: primary result codes.
    private const int Busy = 5, Locked = 6, ReadOnly = 8, InputOutput = 10, Full = 13, CannotOpen = 14, Protocol = 15;

    /// <summary>Whether <paramref name="exception"/> is a full, busy, read-only or failing disk rather than a defect in the work.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        SqliteException e => e.SqliteErrorCode is Busy or Locked or ReadOnly or InputOutput or Full or CannotOpen or Protocol,
        IOException => true,
        _ => false,
    };
}
