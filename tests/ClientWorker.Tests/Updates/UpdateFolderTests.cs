using FlEvents.ClientWorker.Updates;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.Testing;

namespace FlEvents.ClientWorker.Tests.Updates;

public sealed class UpdateFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Bytes_that_two_tasks_share_stay_until_both_have_let_go()
    {
        var updates = Open();
        var update = updates.Keep([1, 2, 3]);
        Assert.Equal(update, updates.Keep([1, 2, 3]));
        updates.Release(update);
        Assert.Equal([1, 2, 3], updates.Read(update));
        updates.Release(update);
        Assert.Throws<BlobException>(() => updates.Read(update));
    }

    [Fact]
    public void After_a_start_only_what_tasks_name_is_left()
    {
        var before = Open();
        var (named, orphan) = (before.Keep([1]), before.Keep([2]));
        File.WriteAllBytes(_folder.File("staged-1"), [3]);
        var after = Open();
        after.Recover([named, named]);
        Assert.Equal([named.Sha256], Directory.EnumerateFiles(_folder.Path).Select(Path.GetFileName));
        Assert.Throws<BlobException>(() => after.Read(orphan));
        after.Release(named);
        Assert.Equal([1], after.Read(named));
    }

    private UpdateFolder Open() => new(new BlobFolder(_folder.Path, synced: true));
}
