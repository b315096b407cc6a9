using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using Dapper;
using FlEvents.ServiceDefaults.Faults;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>Where a service's database is and how hard its commits are.</summary>
public record DatabaseSettings
{
    /// <summary>Service's short name, for logs and health: e.g. <c>orchestrator</c>.</summary>
    public required string Name { get; init; }

    public required string Path { get; init; }

    /// <summary>Whether a commit is on the disk when it returns (SQLite's FULL), or survives a killed process only (NORMAL).</summary>
    public required bool Synced { get; init; }

    /// <summary>Assembly that holds the schema files.</summary>
    public required Assembly Schema { get; init; }

    /// <summary>Whether the audit log of a process that several services share is in this database; without such a one it is in the first that was added.</summary>
    public bool KeepsAudit { get; init; }

    /// <summary>What the service must do before anything else when its database is a restored copy, so that nothing it has forgotten does harm; null for nothing.</summary>
    public Action<Transaction, Restoration>? OnRestored { get; init; }
}

/// <summary>
/// A service's SQLite database with one writer. Work that waits shares a transaction, each piece under its own savepoint, so that a hundred
/// messages cost one sync. A transient fault is tried again until the database is closed: it never reaches a consumer.
/// </summary>
public partial class Database : IAsyncDisposable
{
    private const int LargestBatch = 256;
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(5);

    private readonly BlockingCollection<Work> _queue = [];
    private readonly CancellationTokenSource _closing = new();
    private readonly DatabaseSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly PreparedConnection _writer;
    private readonly ConcurrentBag<PreparedConnection> _readers = [];
    private readonly Thread _thread;
    private bool _syncedNow;
    private long _lastReceived;

    static Database()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(Guid));
        SqlMapper.AddTypeHandler(new GuidHandler());
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.AddTypeHandler(new TimestampHandler());
    }

    public Database(DatabaseSettings settings, TimeProvider time, ILogger<Database> log)
    {
        _settings = settings;
        _time = time;
        _log = log;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(settings.Path))!);
        var isCopy = Restoration.IsMarked(settings.Path);
        _writer = Open(SqliteOpenMode.ReadWriteCreate);
        _writer.Execute(settings.Synced ? "pragma synchronous = full" : "pragma synchronous = normal");
        _syncedNow = settings.Synced;
        if (isCopy)
        {
            SchemaMigration.Apply(_writer, settings.Schema);
            OpenCopy();
        }

        _writer.Execute("pragma journal_mode = wal");
        CrashPoint.Pass(settings.Name, "schema.before", settings.Path);
        SchemaMigration.Apply(_writer, settings.Schema);
        CrashPoint.Pass(settings.Name, "schema.after", settings.Path);
        _thread = new Thread(WriteLoop) { IsBackground = true, Name = $"{settings.Name}-writer" };
        _thread.Start();
    }

    public string Name => _settings.Name;

    public string FilePath => _settings.Path;

    public bool KeepsAudit => _settings.KeepsAudit;

    /// <summary>The fault that keeps the writer from committing now; null while all is well.</summary>
    public string? Fault { get; private set; }

    /// <summary>When the service last took a message, as far as this process knows; null when it does not.</summary>
    public DateTimeOffset? LastReceivedAt => Volatile.Read(ref _lastReceived) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>Completes when the next commit has written outbox rows.</summary>
    public OutboxSignal OutboxWritten { get; } = new();

    /// <summary>Runs <paramref name="work"/> in the writer's transaction and returns once it is committed.</summary>
    /// <param name="work">May run more than once (after a fault): reads and writes through the transaction only.</param>
    /// <param name="operation">What the work is, in the names of its crash points.</param>
    public Task<T> WriteAsync<T>(Func<Transaction, T> work, CancellationToken cancellationToken, [CallerMemberName] string operation = "")
    {
        var item = new Work<T>(work, Synced: true, operation, cancellationToken);
        Enqueue(item);
        return item.Completion.Task;
    }

    /// <inheritdoc cref="WriteAsync{T}(Func{Transaction, T}, CancellationToken, string)"/>
    public Task WriteAsync(Action<Transaction> work, CancellationToken cancellationToken, [CallerMemberName] string operation = "") => WriteAsync(
        transaction =>
        {
            work(transaction);
            return true;
        },
        cancellationToken,
        operation);

    /// <summary>Like <see cref="WriteAsync(Action{Transaction}, CancellationToken, string)"/> for work whose loss in a power cut does no harm, because it is done again.</summary>
    public Task WriteUnsyncedAsync(Action<Transaction> work, CancellationToken cancellationToken, [CallerMemberName] string operation = "")
    {
        var item = new Work<bool>(
            transaction =>
            {
                work(transaction);
                return true;
            },
            Synced: false,
            operation,
            cancellationToken);
        Enqueue(item);
        return item.Completion.Task;
    }

    /// <summary>Reads what is committed, as of one moment; never waits for the writer.</summary>
    public T Read<T>(Func<Transaction, T> query)
    {
        var connection = _readers.TryTake(out var idle) ? idle : Open(SqliteOpenMode.ReadOnly);
        var isGood = false;
        try
        {
            connection.Begin(forWriting: false);
            var result = query(new Transaction(connection, _time));
            connection.Commit();
            isGood = true;
            return result;
        }
        finally
        {
            if (isGood && !_closing.IsCancellationRequested)
            {
                _readers.Add(connection);
            }
            else
            {
                connection.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _queue.CompleteAdding();
        await _closing.CancelAsync();
        await Task.Run(_thread.Join);
        while (_readers.TryTake(out var reader))
        {
            await reader.DisposeAsync();
        }

        // The last one to close brings what the log beside the file holds into it, which a reader may not.
        await _writer.DisposeAsync();

        OutboxWritten.Dispose();
        _queue.Dispose();
        _closing.Dispose();
    }

    /// <summary>Notes that a message was taken.</summary>
    internal void Received(DateTimeOffset at) => Volatile.Write(ref _lastReceived, at.UtcTicks);

    private void OpenCopy()
    {
        _writer.Begin(forWriting: true);
        try
        {
            Restoration.Open(new Transaction(_writer, _time), _settings);
            CrashPoint.Pass(Name, "commit.before", FilePath, nameof(OpenCopy));
            _writer.Commit();
            CrashPoint.Pass(Name, "commit.after", FilePath, nameof(OpenCopy));
        }
        finally
        {
            _writer.RollbackIfOpen();
        }
    }

    private void Enqueue(Work item)
    {
        try
        {
            _queue.Add(item);
        }
        catch (InvalidOperationException)
        {
            item.Fail(new OperationCanceledException($"The {Name} database is closed."));
        }
    }

    private void WriteLoop()
    {
        var batch = new List<Work>(LargestBatch);
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            batch.Add(first);
            while (batch.Count < LargestBatch && _queue.TryTake(out var next))
            {
                batch.Add(next);
            }

            CommitPatiently(batch);
            batch.Clear();
        }
    }

    private void CommitPatiently(List<Work> batch)
    {
        var backOff = TimeSpan.FromMilliseconds(20);
        while (true)
        {
            try
            {
                CommitOnce(batch);
                return;
            }
            catch (Exception e) when (!SqliteFaults.IsTransient(e))
            {
                FailAtCommit(batch, e);
                return;
            }
            catch (Exception e)
            {
                Fault = e.Message;
                FailImpatient(batch, e.Message);
                LogFault(Name, e.Message, backOff);
                if (_closing.Token.WaitHandle.WaitOne(backOff))
                {
                    batch.ForEach(item => item.Fail(new OperationCanceledException($"The {Name} database was closed while it could not write: {e.Message}")));
                    return;
                }

                backOff = backOff * 2 < LongestBackOff ? backOff * 2 : LongestBackOff;
            }
        }
    }

    // A deferred constraint speaks up at the commit only: alone, each piece of work answers for itself.
    private void FailAtCommit(List<Work> batch, Exception exception)
    {
        if (batch.Count == 1)
        {
            batch[0].Fail(exception);
            return;
        }

        batch.ForEach(item => CommitPatiently([item]));
    }

    private void CommitOnce(List<Work> batch)
    {
        SetSynced(_settings.Synced && batch.Any(item => item.Synced));
        var done = new List<Transaction>(batch.Count);
        _writer.Begin(forWriting: true);
        try
        {
            done.AddRange(batch.Select(item => RunItem(item, isAlone: batch.Count == 1)).OfType<Transaction>());
            if (batch.Count == 0)
            {
                // Nobody waits for the disk any more. Whether it takes something again is known by writing.
                _writer.Touch();
            }

            if (done.Count > 0 || batch.Count == 0)
            {
                Pass("commit.before", batch);
                _writer.Commit();
                Pass("commit.after", batch);
            }
        }
        finally
        {
            _writer.RollbackIfOpen();
        }

        Fault = null;
        if (done.Any(session => session.HasOutbox))
        {
            OutboxWritten.Set();
        }

        // Not before the commit: work that failed could succeed when another's fault makes the batch run again.
        batch.ForEach(item => item.Settle());
        done.ForEach(session => session.Committed.ForEach(action => action()));
    }

    /// <param name="isAlone">Nothing else is in the transaction: when it fails, the whole is rolled back and no savepoint is needed.</param>
    /// <returns>What the item did; null when it failed and was rolled back.</returns>
    private Transaction? RunItem(Work item, bool isAlone)
    {
        if (item.CancellationToken.IsCancellationRequested)
        {
            item.Outcome = new OperationCanceledException(item.CancellationToken);
            return null;
        }

        var session = new Transaction(_writer, _time, item.Cause);
        if (!isAlone)
        {
            _writer.Execute("savepoint item");
        }

        try
        {
            item.Run(session);
            item.Outcome = null;
            if (!isAlone)
            {
                _writer.Execute("release item");
            }

            return session;
        }
        catch (Exception e) when (!SqliteFaults.IsTransient(e))
        {
            if (!isAlone)
            {
                _writer.Execute("rollback to item");
            }

            item.Outcome = e;
            return null;
        }
    }

    private void Pass(string step, List<Work> batch)
    {
        if (CrashPoint.IsWatched)
        {
            batch.ForEach(item => CrashPoint.Pass(Name, step, FilePath, item.Operation));
        }
    }

    private void SetSynced(bool synced)
    {
        if (synced != _syncedNow)
        {
            _writer.Execute(synced ? "pragma synchronous = full" : "pragma synchronous = normal");
            _syncedNow = synced;
        }
    }

    private PreparedConnection Open(SqliteOpenMode mode)
    {
        var connection = new PreparedConnection(ConnectionString(mode));
        connection.Open();
        connection.Execute("pragma busy_timeout = 5000; pragma foreign_keys = on");
        return connection;
    }

    // The provider waits for a lock on top of SQLite's own busy_timeout: without a limit of its own, 30 s.
    private string ConnectionString(SqliteOpenMode mode) =>
        new SqliteConnectionStringBuilder { DataSource = _settings.Path, Mode = mode, Pooling = false, DefaultTimeout = 5 }.ToString();

    [LoggerMessage(LogLevel.Warning, "The {database} database cannot write: {fault} Trying again in {backOff}.")]
    private partial void LogFault(string database, string fault, TimeSpan backOff);
}
