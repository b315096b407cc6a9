using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.ServiceDefaults.Tests;

/// <summary>Databases with this assembly's schema, and what tests ask of them.</summary>
internal static class TestDatabase
{
    public static DatabaseSettings Settings(string path, bool synced = false) =>
        new() { Name = "test", Path = path, Synced = synced, Schema = typeof(TestDatabase).Assembly };

    public static Database Open(string path, bool synced = false, TimeProvider? time = null) =>
        new(Settings(path, synced), time ?? TimeProvider.System, NullLogger<Database>.Instance);

    public static Task AddNoteAsync(this Database database, string text) => database.WriteAsync(transaction => transaction.AddNote(text), CancellationToken.None);

    public static void AddNote(this Transaction transaction, string text) => transaction.Execute("insert into note (text) values (@text)", new { text });

    public static IReadOnlyList<string> Notes(this Database database) => database.Column("select text from note order by rowid");

    public static IReadOnlyList<string> Column(this Database database, string sql) => database.Read(transaction => transaction.Query<string>(sql));

    /// <summary>Changes the file from outside the program.</summary>
    public static void Outside(string path, string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}

/// <summary>A service's database, by a type of its own.</summary>
internal sealed class NoteDatabase(DatabaseSettings settings, TimeProvider time, ILogger<Database> log) : Database(settings, time, log);
