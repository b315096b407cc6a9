using System.Collections.Concurrent;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Backup;

/// <summary>Takes copies of the databases in this process, one of each at a time, as files that are gone once they are read.</summary>
public sealed class Backups(TimeProvider time)
{
    private const string TemporaryPrefix = "backup-";
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = new(StringComparer.Ordinal);

    /// <summary>Copies a database.</summary>
    /// <returns>The copy and its file, which is deleted when it is closed; null while another copy of the database is taken.</returns>
    /// <exception cref="NoRoomException">A copy would leave the volume too little room for the service itself.</exception>
    /// <exception cref="InvalidDataException">The copy is not whole.</exception>
    public (Snapshot Snapshot, FileStream File)? TryTake(Database database)
    {
        var turn = _turns.GetOrAdd(database.FilePath, _ => new SemaphoreSlim(1));
        if (!turn.Wait(0))
        {
            return null;
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(database.FilePath))!;
        var path = Path.Combine(folder, $"{TemporaryPrefix}{Guid.NewGuid():N}");
        try
        {
            // Of a process that died while it sent one.
            Array.ForEach(Directory.GetFiles(folder, $"{TemporaryPrefix}*"), DeleteUnlessOpen);
            CheckRoom(database.FilePath, folder);
            var snapshot = Snapshot.Take(database.FilePath, path, time.GetUtcNow());
            return (snapshot, new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None, bufferSize: 1 << 16, FileOptions.DeleteOnClose | FileOptions.Asynchronous));
        }
        catch
        {
            File.Delete(path);
            File.Delete($"{path}-journal");
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    // The copy itself, and as much again for what the service writes meanwhile.
    private static void CheckRoom(string path, string folder)
    {
        var needed = 2 * new[] { path, $"{path}-wal" }.Sum(part => new FileInfo(part) is { Exists: true } file ? file.Length : 0);
        var room = new DriveInfo(folder).AvailableFreeSpace;
        if (room < needed)
        {
            throw new NoRoomException($"A copy of {Path.GetFileName(path)} needs {needed} bytes of room on its volume; {room} are free.");
        }
    }

    private static void DeleteUnlessOpen(string path)
    {
        try
        {
            // Opened as the reader of a copy opens it: that fails while there is one.
            using var _ = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException)
        {
            // Somebody is being sent it.
        }
    }
}

/// <summary>There is no room for a copy. The message says how much it needs.</summary>
public sealed class NoRoomException(string message) : Exception(message);
