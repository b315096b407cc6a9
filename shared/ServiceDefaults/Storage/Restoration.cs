using System.Buffers.Binary;
using System.Reflection;
using Dapper;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>
/// The mark of a copy. It is in the file's header, where it can be seen before the database is opened, with a row of <c>restoration</c>: a service that
/// finds it does what its settings say, and takes it off, before it reads or writes anything else.
/// </summary>
public record Restoration
{
    // https://www.sqlite.org/fileformat.html: application_id, four bytes, big-endian.
    private const int HeaderOffset = 68;
    private const int Mark = 0x466C4276;

    public required Guid SnapshotId { get; init; }
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>Whether a database file is a copy that no service has opened yet.</summary>
    /// <exception cref="InvalidOperationException">It is, and beside it lies the log of another database, which SQLite would write over it.</exception>
    internal static bool IsMarked(string path)
    {
        if (!HasMark(path))
        {
            return false;
        }

        // A marked file is complete, and becomes a file with such a log only once its mark is off.
        return new FileInfo($"{path}-wal") is { Exists: true, Length: > 0 }
            ? throw new InvalidOperationException(
                $"{path} is a backup, but {path}-wal beside it is the log of another database and would be written over it: expected no such file. Move it away.")
            : true;
    }

    /// <summary>Whether a file has the mark of a copy that no service has opened yet.</summary>
    public static bool HasMark(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderOffset + sizeof(int)];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length && BinaryPrimitives.ReadInt32BigEndian(header[HeaderOffset..]) == Mark;
    }

    private const string Insert = "insert into restoration (snapshot_id, taken_at) values (@snapshotId, @takenAt)";

    /// <summary>Marks a copy that nobody else has open.</summary>
    internal static void Put(SqliteConnection copy, Restoration mark)
    {
        using var transaction = copy.BeginTransaction();
        copy.Execute(SchemaMigration.ReadResource(Assembly.GetExecutingAssembly(), "Restoration.sql"), transaction: transaction);
        copy.Execute(Insert, new { snapshotId = mark.SnapshotId.ToString("D"), takenAt = TimestampHandler.Format(mark.TakenAt) }, transaction);
        copy.Execute($"pragma application_id = {Mark}", transaction: transaction);
        transaction.Commit();
    }

    private const string SelectNewest = "select snapshot_id, taken_at from restoration where opened_at is null order by taken_at desc limit 1";

    private const string SetOpened = "update restoration set opened_at = @now where opened_at is null; pragma application_id = 0";

    /// <summary>Lets the service do what a restored copy needs, and takes the mark off, in one transaction.</summary>
    internal static void Open(Transaction transaction, DatabaseSettings settings)
    {
        if (transaction.QuerySingleOrDefault<Restoration>(SelectNewest) is { } mark)
        {
            settings.OnRestored?.Invoke(transaction, mark);
            if (settings.Name != Routes.Worker)
            {
                // Nobody needs to hear it of a worker, and whoever may say it can have a deployment's rounds given up.
                transaction.Send(new ServiceRestored { Service = settings.Name, SnapshotId = mark.SnapshotId, TakenAt = mark.TakenAt });
            }
        }

        transaction.Execute(SetOpened, new { now = transaction.Now });
    }

    private const string SelectKnownSince = "select max(opened_at) from restoration";

    /// <summary>When the service last began to work with a copy, and so may have forgotten what was before; null when it never did.</summary>
    public static DateTimeOffset? KnownSince(Transaction transaction) => transaction.Scalar<DateTimeOffset?>(SelectKnownSince);

    private const string SelectIds = "select snapshot_id from restoration where opened_at is not null order by opened_at";

    /// <summary>Copies that the service has begun to work with, the oldest first.</summary>
    public static IReadOnlyList<Guid> All(Transaction transaction) => transaction.Query<Guid>(SelectIds);
}
