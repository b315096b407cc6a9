using System.Security.Cryptography;
using Dapper;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Backup;

/// <summary>A copy of a database as of one moment, with the mark of a copy.</summary>
public record Snapshot
{
    public required Guid SnapshotId { get; init; }
    public required DateTimeOffset TakenAt { get; init; }
    public required long SizeBytes { get; init; }

    /// <summary>SHA-256 of the file, 64 lower-case hexadecimal digits.</summary>
    public required string Sha256 { get; init; }

    // Beside what SQLite reads it leaves out pages that are free: what was deleted is not in the copy.
    private const string Copy = "vacuum into @target";

    /// <summary>Copies a database, in use or not, without holding up its writer, and checks the copy.</summary>
    /// <param name="database">File of the database. Nothing is written to it.</param>
    /// <param name="target">File that is made; the caller deletes it should this fail.</param>
    /// <exception cref="SqliteException">The database can't be read, or the copy not be written.</exception>
    /// <exception cref="InvalidDataException">The copy is not whole: the message says what SQLite found.</exception>
    public static Snapshot Take(string database, string target, DateTimeOffset now)
    {
        var mark = new Restoration { SnapshotId = Guid.NewGuid(), TakenAt = now };

        // A database in use has a log, and its memory. Without one SQLite would make them to read by: told that nobody writes, it leaves no file behind.
        var source = File.Exists($"{database}-wal") ? database : $"{new Uri(Path.GetFullPath(database)).AbsoluteUri}?immutable=1";
        using (var connection = Open(source, SqliteOpenMode.ReadOnly))
        {
            connection.Execute(Copy, new { target });
        }

        using (var copy = Open(target, SqliteOpenMode.ReadWrite))
        {
            Restoration.Put(copy, mark);
        }

        Check(target);
        using var file = File.OpenRead(target);
        return new Snapshot { SnapshotId = mark.SnapshotId, TakenAt = mark.TakenAt, SizeBytes = file.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(file)) };
    }

    /// <summary>Checks that a file is a copy, and whole.</summary>
    /// <exception cref="InvalidDataException">It is not: the message says why.</exception>
    public static void Check(string path)
    {
        if (!Restoration.HasMark(path))
        {
            throw new InvalidDataException($"{path} has not the mark of a backup: expected a file that flevents backup has made and no service has opened.");
        }

        try
        {
            using var connection = Open($"{new Uri(Path.GetFullPath(path)).AbsoluteUri}?immutable=1", SqliteOpenMode.ReadOnly);
            var found = string.Join("; ", connection.Query<string>("pragma integrity_check(10)").Concat(connection.Query<string>("select 'row of ' || \"table\" || ' refers to nothing' from pragma_foreign_key_check limit 10")));
            if (found != "ok")
            {
                throw new InvalidDataException($"{path} is not whole: {found}.");
            }
        }
        catch (SqliteException e)
        {
            throw new InvalidDataException($"{path} is not whole: {e.Message}", e);
        }
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString());
        connection.Open();
        return connection;
    }
}
