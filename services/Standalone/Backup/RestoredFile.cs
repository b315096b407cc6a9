using System.Globalization;
using Microsoft.Data.Sqlite;

namespace FlEvents.Standalone.Backup;

/// <summary>Puts a backup in the place of a stopped service's database.</summary>
public static class RestoredFile
{
    // https://www.sqlite.org/rescode.html
    private const int Busy = 5, Locked = 6;
    private static readonly string[] Parts = ["", "-wal", "-shm", "-journal"];

    /// <summary>Moves what is there aside, then puts the backup there. The log beside a database goes with it: left behind it would be written over the backup.</summary>
    /// <param name="backup">A file that <c>flevents backup</c> has made; it stays.</param>
    /// <param name="database">File of the database, which may not exist.</param>
    /// <returns>Where the database that was there is now; null when there was none.</returns>
    /// <exception cref="BackupException">The backup is none, or not whole, or a service has the database open.</exception>
    /// <exception cref="IOException">A file can't be read, moved or written.</exception>
    public static async Task<string?> PutAsync(string backup, string database, DateTimeOffset now)
    {
        BackupDownload.Check(backup, backup);
        var aside = Parts.Any(part => File.Exists(database + part))
            ? $"{database}.replaced-{now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}"
            : null;
        if (aside is not null)
        {
            ThrowIfOpen(database);
            foreach (var part in Parts.Where(part => File.Exists(database + part)))
            {
                File.Move(database + part, aside + part, overwrite: false);
            }
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(database))!);
        await NewFile.WriteAsync(database, part =>
        {
            File.Copy(backup, part);
            return Task.CompletedTask;
        });
        return aside;
    }

    // Leaving write-ahead logging needs the file for itself alone. A file that is broken can't, and is replaced all the more.
    private static void ThrowIfOpen(string database)
    {
        if (!File.Exists(database))
        {
            return;
        }

        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false, DefaultTimeout = 1 }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "pragma journal_mode = delete";
            command.ExecuteScalar();
        }
        catch (SqliteException e) when (e.SqliteErrorCode is Busy or Locked)
        {
            throw new BackupException($"{database} is in use: expected its service to be stopped.");
        }
        catch (SqliteException)
        {
            // Broken.
        }
    }
}
