using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Backup;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.ServiceDefaults.Tests;

/// <summary>A copy is born restored: whoever opens it is told, once, before it does anything else.</summary>
public sealed class RestorationTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Noon = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _folder = new();
    private readonly List<Restoration> _told = [];

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>A worker's user of the broker has no right to say it: it would have everybody's rounds given up.</summary>
    [Fact]
    public async Task A_worker_keeps_it_to_itself()
    {
        var (original, copy) = (_folder.File("original.db"), _folder.File("copy.db"));
        await using (var database = Open(original))
        {
            Snapshot.Take(original, copy, Noon);
        }

        await using var opened = Open(copy, name: "client-worker");
        Assert.Single(_told);
        Assert.Empty(opened.Column("select type from outbox"));
    }

    [Fact]
    public async Task Whoever_opens_a_copy_is_told_once_and_tells_the_others()
    {
        var (original, copy) = (_folder.File("original.db"), _folder.File("copy.db"));
        Snapshot snapshot;
        await using (var database = Open(original))
        {
            await database.AddNoteAsync("kept");
            snapshot = Snapshot.Take(original, copy, Noon);
            Assert.Null(database.Read(Restoration.KnownSince));
        }

        await using (var opened = Open(copy))
        {
            Assert.Equal([new Restoration { SnapshotId = snapshot.SnapshotId, TakenAt = Noon }], _told);
            Assert.Equal(["kept", "told"], opened.Notes());
            Assert.Equal(
                new ServiceRestored { Service = "test", SnapshotId = snapshot.SnapshotId, TakenAt = Noon },
                Assert.Single(opened.Read(transaction => transaction.Query<OutboxRow>("select message_id, type, body from outbox"))).Decode().Message);
            Assert.Equal([snapshot.SnapshotId], opened.Read(Restoration.All));
            Assert.NotNull(opened.Read(Restoration.KnownSince));
        }

        Assert.False(Restoration.HasMark(copy));
        await using var again = Open(copy);
        Assert.Single(_told);
        await using var untouched = Open(original);
        Assert.Single(_told);
    }

    [Fact]
    public async Task A_copy_of_a_copy_tells_of_both()
    {
        var (original, copy, second) = (_folder.File("original.db"), _folder.File("copy.db"), _folder.File("second.db"));
        await Open(original).DisposeAsync();
        Snapshot.Take(original, copy, Noon);
        await Open(copy).DisposeAsync();
        var newest = Snapshot.Take(copy, second, Noon.AddHours(1));

        await using var opened = Open(second);

        Assert.Equal((2, newest.SnapshotId), (_told.Count, _told[^1].SnapshotId));
        Assert.Equal(2, opened.Read(Restoration.All).Count);
    }

    [Fact]
    public async Task What_a_service_must_do_about_a_copy_is_done_or_the_service_does_not_open_it()
    {
        var (original, copy) = (_folder.File("original.db"), _folder.File("copy.db"));
        await Open(original).DisposeAsync();
        Snapshot.Take(original, copy, Noon);

        Assert.Throws<IOException>(() => Open(copy, (transaction, _) =>
        {
            transaction.AddNote("half done");
            throw new IOException("the disk");
        }));

        Assert.True(Restoration.HasMark(copy));
        await using var opened = Open(copy);
        Assert.Equal(["told"], opened.Notes());
    }

    // SQLite would take the pages of that log for newer ones of the copy.
    [Fact]
    public async Task A_copy_beside_the_log_of_the_database_that_it_replaced_is_not_opened()
    {
        var (original, copy) = (_folder.File("original.db"), _folder.File("copy.db"));
        await using (var database = Open(original))
        {
            await database.AddNoteAsync("kept");
            Snapshot.Take(original, copy, Noon);
            await database.AddNoteAsync("newer");
            File.Copy($"{original}-wal", $"{copy}-wal");
        }

        var thrown = Assert.Throws<InvalidOperationException>(() => Open(copy));
        Assert.Contains($"{copy}-wal beside it is the log of another database", thrown.Message, StringComparison.Ordinal);

        File.Delete($"{copy}-wal");
        await using var opened = Open(copy);
        Assert.Equal(["kept", "told"], opened.Notes());
    }

    private Database Open(string path, Action<Transaction, Restoration>? onRestored = null, string name = "test")
    {
        onRestored ??= (transaction, copy) =>
        {
            _told.Add(copy);
            transaction.AddNote("told");
        };
        return new Database(TestDatabase.Settings(path) with { Name = name, OnRestored = onRestored }, TimeProvider.System, NullLogger<Database>.Instance);
    }
}
