using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class DatabaseTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Database _database;

    public DatabaseTests() => _database = TestDatabase.Open(_folder.File("test.db"));

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Work_that_waits_shares_a_transaction()
    {
        var notesSeenFromOutside = -1;
        await TogetherAsync(
            () => _database.AddNoteAsync("first"),
            () => _database.WriteAsync(_ => notesSeenFromOutside = _database.Notes().Count, CancellationToken.None));

        // Each alone, the first would have been committed before the second ran.
        Assert.Equal(0, notesSeenFromOutside);
        Assert.Equal(["first"], _database.Notes());
    }

    [Fact]
    public async Task Of_many_concurrent_writes_one_fails_and_the_others_commit()
    {
        var failing = Task.CompletedTask;
        var writes = Enumerable.Range(0, 300).Select(i => (Func<Task>)(() => i == 150
            ? failing = _database.WriteAsync(Failing, CancellationToken.None)
            : _database.AddNoteAsync($"{i}")));

        await TogetherAsync([.. writes]);

        Assert.Equal("wrong", (await Assert.ThrowsAsync<InvalidOperationException>(() => failing)).Message);
        Assert.Equal(Enumerable.Range(0, 300).Where(i => i != 150).Select(i => $"{i}"), _database.Notes());

        static void Failing(Transaction transaction)
        {
            transaction.AddNote("half done");
            throw new InvalidOperationException("wrong");
        }
    }

    [Fact]
    public async Task A_result_comes_back_once_it_is_committed()
    {
        var count = await _database.WriteAsync(
            transaction =>
            {
                transaction.AddNote("a");
                return transaction.Scalar<long>("select count(*) from note");
            },
            CancellationToken.None);

        Assert.Equal(1, count);
        Assert.Equal(["a"], _database.Notes());
    }

    [Fact]
    public async Task A_broken_constraint_fails_the_work_that_broke_it()
    {
        var thrown = await Assert.ThrowsAsync<SqliteException>(
            () => _database.WriteAsync(transaction => transaction.Execute("insert into note (text) values (null)"), CancellationToken.None));

        Assert.Contains("NOT NULL", thrown.Message, StringComparison.Ordinal);
        await _database.AddNoteAsync("after");
    }

    [Fact]
    public async Task A_constraint_that_breaks_at_the_commit_fails_only_the_work_that_broke_it()
    {
        var orphan = Task.CompletedTask;
        await TogetherAsync(
            () => _database.AddNoteAsync("before"),
            () => orphan = _database.WriteAsync(transaction => transaction.Execute("insert into book (author) values ('nobody')"), CancellationToken.None),
            () => _database.AddNoteAsync("after"));

        Assert.Contains("FOREIGN KEY", (await Assert.ThrowsAsync<SqliteException>(() => orphan)).Message, StringComparison.Ordinal);
        Assert.Equal(["before", "after"], _database.Notes());
        Assert.Empty(_database.Column("select author from book"));
    }

    [Fact]
    public async Task Work_is_run_again_after_a_transient_fault_and_leaves_its_effect_once()
    {
        var faults = new List<string?>();
        await _database.WriteAsync(
            transaction =>
            {
                faults.Add(_database.Fault);
                transaction.AddNote("once");
                if (faults.Count < 3)
                {
                    throw new IOException($"fault {faults.Count}");
                }
            },
            CancellationToken.None);

        Assert.Equal([null, "fault 1", "fault 2"], faults);
        Assert.Null(_database.Fault);
        Assert.Equal(["once"], _database.Notes());
    }

    [Fact]
    public async Task Work_that_failed_in_a_batch_that_runs_again_is_answered_by_its_last_run()
    {
        var runs = 0;
        var first = Task.CompletedTask;
        await TogetherAsync(
            () => first = _database.WriteAsync(
                transaction =>
                {
                    transaction.AddNote("first");
                    if (runs == 0)
                    {
                        throw new InvalidOperationException("not yet");
                    }
                },
                CancellationToken.None),
            () => _database.WriteAsync(_ => runs++ == 0 ? throw new IOException("fault") : true, CancellationToken.None));

        Assert.True(first.IsCompletedSuccessfully);
        Assert.Equal(["first"], _database.Notes());
    }

    [Fact]
    public async Task Who_would_rather_fail_than_wait_is_told_of_a_fault_and_the_patient_work_beside_it_is_done()
    {
        var (runs, impatient) = (0, Task.FromResult(0));
        await TogetherAsync(
            () => _database.WriteAsync(
                transaction =>
                {
                    transaction.AddNote("patient");
                    return runs++ == 0 ? throw new IOException("the disk") : true;
                },
                CancellationToken.None),
            () => impatient = _database.WriteOrFailAsync(
                transaction =>
                {
                    transaction.AddNote("impatient");
                    return 1;
                },
                CancellationToken.None));

        Assert.Equal("The test database cannot write: the disk", (await Assert.ThrowsAsync<IOException>(() => impatient)).Message);
        Assert.Equal(["patient"], _database.Notes());
        Assert.Null(_database.Fault);
    }

    [Fact]
    public async Task Who_would_rather_fail_than_wait_is_not_kept_behind_work_that_waits_for_the_disk()
    {
        var (isWell, faulty) = (false, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var patient = _database.WriteAsync(
            _ =>
            {
                faulty.TrySetResult();
                return Volatile.Read(ref isWell) ? true : throw new IOException("the disk");
            },
            CancellationToken.None);
        await faulty.Task;
        await Assert.ThrowsAsync<IOException>(() => _database.WriteOrFailAsync(_ => 1, CancellationToken.None));
        Assert.False(patient.IsCompleted);

        Volatile.Write(ref isWell, true);
        await patient;
        Assert.Equal(1, await _database.WriteOrFailAsync(_ => 1, CancellationToken.None));
    }

    [Fact]
    public async Task A_fault_that_only_the_impatient_met_is_forgotten_and_the_next_finds_out_for_itself()
    {
        await Assert.ThrowsAsync<IOException>(() => _database.WriteOrFailAsync<int>(_ => throw new IOException("the disk"), CancellationToken.None));
        await _database.AddNoteAsync("next");
        Assert.Null(_database.Fault);
        Assert.Equal(["next"], _database.Notes());
    }

    [Fact]
    public async Task A_full_disk_is_waited_out()
    {
        var (large, attempts, secondAttempt) = (new byte[200_000], 0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        // The file may not grow any more; what the filler gives back is all the room there is.
        await _database.WriteAsync(transaction => transaction.Execute("insert into filler (bytes) values (zeroblob(1000000))"), CancellationToken.None);
        await _database.WriteAsync(transaction => transaction.Execute("pragma max_page_count = 1"), CancellationToken.None);
        var write = _database.WriteAsync(
            transaction =>
            {
                if (++attempts == 2)
                {
                    secondAttempt.SetResult();
                }

                transaction.Execute("insert into filler (bytes) values (@large)", new { large });
            },
            CancellationToken.None);
        await secondAttempt.Task;
        Assert.Contains("full", _database.Fault, StringComparison.Ordinal);
        Assert.False(write.IsCompleted);

        TestDatabase.Outside(_database.FilePath, "delete from filler");

        await write;
        Assert.Null(_database.Fault);
        Assert.Equal(["200000"], _database.Column("select length(bytes) from filler"));
    }

    [Fact]
    public async Task Work_that_waits_when_the_database_is_closed_is_cancelled()
    {
        var (path, failed) = (_folder.File("closing.db"), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var closing = TestDatabase.Open(path);
        var write = closing.WriteAsync(
            transaction =>
            {
                transaction.AddNote("never");
                failed.TrySetResult();
                throw new IOException("gone");
            },
            CancellationToken.None);
        await failed.Task;

        await closing.DisposeAsync();

        var thrown = await Assert.ThrowsAsync<OperationCanceledException>(() => write);
        Assert.Equal("The test database was closed while it could not write: gone", thrown.Message);
        await Assert.ThrowsAsync<OperationCanceledException>(() => closing.AddNoteAsync("late"));
        await using var reopened = TestDatabase.Open(path);
        Assert.Empty(reopened.Notes());
    }

    [Fact]
    public async Task Work_in_hand_is_committed_before_the_database_is_closed()
    {
        var path = _folder.File("orderly.db");
        var orderly = TestDatabase.Open(path);
        var writes = Enumerable.Range(0, 600).Select(i => orderly.AddNoteAsync($"{i}")).ToList();

        await orderly.DisposeAsync();

        await Task.WhenAll(writes);
        await using var reopened = TestDatabase.Open(path);
        Assert.Equal(600, reopened.Notes().Count);
    }

    [Fact]
    public async Task A_database_that_was_closed_is_whole_in_its_one_file()
    {
        var path = _folder.File("whole.db");
        var database = TestDatabase.Open(path);
        await database.AddNoteAsync("kept");
        Assert.Equal(["kept"], database.Notes());

        await database.DisposeAsync();

        Assert.False(File.Exists($"{path}-wal"));
        File.Copy(path, _folder.File("copy.db"));
        await using var copy = TestDatabase.Open(_folder.File("copy.db"));
        Assert.Equal(["kept"], copy.Notes());
    }

    [Fact]
    public async Task Cancelled_work_is_not_run()
    {
        await Assert.ThrowsAsync<OperationCanceledException>(() => _database.WriteAsync(transaction => transaction.AddNote("never"), new CancellationToken(canceled: true)));

        Assert.Empty(_database.Notes());
    }

    // https://www.sqlite.org/pragma.html#pragma_synchronous: 2 is FULL, 1 is NORMAL.
    [Fact]
    public async Task Only_a_synced_database_syncs_and_only_for_work_that_needs_it()
    {
        await using var synced = TestDatabase.Open(_folder.File("synced.db"), synced: true);
        var unneeded = 0;
        await synced.WriteUnsyncedAsync(transaction => unneeded = transaction.Scalar<int>("pragma synchronous"), CancellationToken.None);

        Assert.Equal(1, unneeded);
        Assert.Equal(2, await synced.WriteAsync(transaction => transaction.Scalar<int>("pragma synchronous"), CancellationToken.None));
        Assert.Equal(1, await _database.WriteAsync(transaction => transaction.Scalar<int>("pragma synchronous"), CancellationToken.None));
    }

    [Fact]
    public async Task Guids_are_lower_case_text_and_times_are_text_in_their_order()
    {
        var id = Guid.Parse("0195A3C4-0000-7000-8000-00000000000A");
        var noon = new DateTimeOffset(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);
        DateTimeOffset[] times = [noon, noon.AddTicks(1), noon.AddHours(1).ToOffset(TimeSpan.FromHours(-8))];
        await _database.WriteAsync(
            transaction =>
            {
                transaction.Execute("insert into note (text) values (@id)", new { id });
                Array.ForEach(times, at => transaction.Execute("insert into note (text) values (@at)", new { at }));
                Assert.Equal(id, transaction.QuerySingleOrDefault<Guid>("select text from note where rowid = 1"));
                Assert.Equal(times, transaction.Query<DateTimeOffset>("select text from note where rowid > 1 order by text"));
            },
            CancellationToken.None);

        Assert.Equal(
            ["0195a3c4-0000-7000-8000-00000000000a", "2025-03-01T12:00:00.0000000Z", "2025-03-01T12:00:00.0000001Z", "2025-03-01T13:00:00.0000000Z"],
            _database.Notes());
    }

    // Holds the writer while the work is queued, so that it is all there when the writer comes back.
    private async Task TogetherAsync(params Func<Task>[] works)
    {
        using var held = new ManualResetEventSlim();
        using var released = new ManualResetEventSlim();
        var holding = _database.WriteAsync(
            _ =>
            {
                held.Set();
                released.Wait();
            },
            CancellationToken.None);
        held.Wait();
        var running = works.Select(work => work()).ToList();
        released.Set();
        await holding;
        await Task.WhenAll(running.Select(work => work.ContinueWith(_ => { }, TaskScheduler.Default)));
    }
}
