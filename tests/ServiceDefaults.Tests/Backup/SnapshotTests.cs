using System.Text;
using FlEvents.ServiceDefaults.Backup;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class SnapshotTests : IAsyncDisposable
{
    private static readonly DateTimeOffset Noon = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _folder = new();
    private readonly Database _database;

    public SnapshotTests() => _database = TestDatabase.Open(_folder.File("test.db"));

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_copy_holds_what_was_committed_when_it_was_taken_and_nothing_else()
    {
        await _database.AddNoteAsync("before");
        var copy = _folder.File("copy.db");

        // In the middle of a transaction of the writer, which the copy neither sees nor waits for.
        await _database.WriteAsync(
            transaction =>
            {
                transaction.AddNote("during");
                Snapshot.Take(_database.FilePath, copy, Noon);
            },
            CancellationToken.None);

        Snapshot.Check(copy);
        await using var opened = TestDatabase.Open(copy);
        Assert.Equal(["before"], opened.Notes());
        Assert.Equal(["before", "during"], _database.Notes());
    }

    [Fact]
    public async Task What_was_deleted_is_not_in_a_copy()
    {
        await _database.AddNoteAsync("the patient's name");
        await _database.WriteAsync(transaction => transaction.Execute("delete from note"), CancellationToken.None);

        var snapshot = Snapshot.Take(_database.FilePath, _folder.File("copy.db"), Noon);

        var bytes = await File.ReadAllBytesAsync(_folder.File("copy.db"));
        Assert.Equal((bytes.Length, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes))), (snapshot.SizeBytes, snapshot.Sha256));
        Assert.DoesNotContain("patient", Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_nobody_has_open_is_copied_and_no_file_is_made_beside_it()
    {
        var (closed, copy) = (_folder.File("closed", "closed.db"), _folder.File("closed", "copy.db"));
        await using (var database = TestDatabase.Open(closed))
        {
            await database.AddNoteAsync("kept");
        }

        var before = await File.ReadAllBytesAsync(closed);
        Snapshot.Take(closed, copy, Noon);

        Assert.Equal(before, await File.ReadAllBytesAsync(closed));
        Assert.Equal(["closed.db", "copy.db"], Directory.GetFiles(_folder.File("closed")).Select(Path.GetFileName).Order());
        await using var opened = TestDatabase.Open(copy);
        Assert.Equal(["kept"], opened.Notes());
    }

    [Fact]
    public void A_file_that_is_no_copy_or_not_whole_is_told()
    {
        var copy = _folder.File("copy.db");
        Snapshot.Take(_database.FilePath, copy, Noon);
        Assert.Contains("has not the mark of a backup", Assert.Throws<InvalidDataException>(() => Snapshot.Check(_database.FilePath)).Message, StringComparison.Ordinal);
        var bytes = File.ReadAllBytes(copy);

        File.WriteAllBytes(_folder.File("cut.db"), bytes[..^4096]);
        Assert.Contains("is not whole", Assert.Throws<InvalidDataException>(() => Snapshot.Check(_folder.File("cut.db"))).Message, StringComparison.Ordinal);
        bytes.AsSpan(bytes.Length / 2, 4096).Fill(0xA5);
        File.WriteAllBytes(_folder.File("damaged.db"), bytes);
        Assert.Contains("is not whole", Assert.Throws<InvalidDataException>(() => Snapshot.Check(_folder.File("damaged.db"))).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => Snapshot.Check(_folder.File("none.db")));
    }

    [Fact]
    public async Task One_copy_of_a_database_is_taken_at_a_time_and_its_file_is_gone_once_it_is_read()
    {
        var backups = new Backups(TimeProvider.System);
        await File.WriteAllTextAsync(_folder.File("backup-of-a-process-that-died"), "half");

        var (snapshot, file) = backups.TryTake(_database)!.Value;
        Assert.Equal(snapshot.SizeBytes, file.Length);
        var (_, second) = backups.TryTake(_database)!.Value;
        Assert.Equal(2, Directory.GetFiles(_folder.Path, "backup-*").Length);
        await file.DisposeAsync();
        await second.DisposeAsync();

        Assert.Empty(Directory.GetFiles(_folder.Path, "backup-*"));
    }
}
