using System.Security.Cryptography;
using System.Text;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class BlobFolderTests : IDisposable
{
    private static readonly byte[] Bytes = Encoding.UTF8.GetBytes("weights");
    private static readonly string Sha256 = Convert.ToHexStringLower(SHA256.HashData(Bytes));
    private readonly TemporaryFolder _folder = new();
    private readonly BlobFolder _blobs;

    public BlobFolderTests() => _blobs = new BlobFolder(_folder.File("blobs"), synced: true);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_published_blob_is_read_by_its_name()
    {
        var staged = _blobs.Stage(Bytes);
        _blobs.Publish(staged);

        Assert.Equal(new BlobRef { Sha256 = Sha256, SizeBytes = 7 }, staged.Ref);
        Assert.Equal(Bytes, _blobs.Read(staged.Ref, limit: 7));
        Assert.Equal(7, _blobs.Length(Sha256));
        Assert.Equal([Sha256], _blobs.Names());
    }

    [Fact]
    public void A_staged_blob_is_not_to_be_found()
    {
        var staged = _blobs.Stage(Bytes);

        Assert.False(_blobs.Contains(Sha256));
        Assert.Null(_blobs.Length(Sha256));
        Assert.Empty(_blobs.Names());
        Assert.Equal($"Blob {Sha256} is not in the store.", Assert.Throws<BlobException>(() => _blobs.Read(staged.Ref, limit: 100)).Message);
    }

    [Fact]
    public void What_a_crash_left_staged_is_deleted_and_blobs_are_kept()
    {
        _blobs.Publish(_blobs.Stage(Bytes));
        var left = _blobs.Stage("half"u8);

        _blobs.DeleteStaged();

        Assert.False(File.Exists(left.TemporaryPath));
        Assert.Equal([Sha256], _blobs.Names());
    }

    [Fact]
    public void A_discarded_blob_leaves_nothing()
    {
        BlobFolder.Discard(_blobs.Stage(Bytes));

        Assert.Empty(Directory.EnumerateFiles(_folder.File("blobs")));
    }

    [Fact]
    public void The_same_bytes_may_be_published_again()
    {
        var (first, second) = (_blobs.Stage(Bytes), _blobs.Stage(Bytes));
        _blobs.Publish(first);
        _blobs.Publish(second);

        Assert.Equal(Bytes, _blobs.Read(first.Ref, limit: 100));
        Assert.Single(Directory.EnumerateFiles(_folder.File("blobs")));
    }

    [Fact]
    public void A_received_file_is_taken_over_under_its_hash()
    {
        var received = _folder.File("upload");
        File.WriteAllBytes(received, Bytes);

        var staged = _blobs.Stage(received);
        _blobs.Publish(staged);

        Assert.Equal(new BlobRef { Sha256 = Sha256, SizeBytes = 7 }, staged.Ref);
        Assert.False(File.Exists(received));
        Assert.Equal(Bytes, _blobs.Read(staged.Ref, limit: 100));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void A_flipped_byte_is_found_when_the_blob_is_read(int position)
    {
        var staged = _blobs.Stage(Bytes);
        _blobs.Publish(staged);
        var path = Path.Combine(_folder.File("blobs"), Sha256);
        var flipped = File.ReadAllBytes(path);
        flipped[position] ^= 1;
        File.WriteAllBytes(path, flipped);

        var thrown = Assert.Throws<BlobException>(() => _blobs.Read(staged.Ref, limit: 100));

        Assert.StartsWith($"Blob {Sha256} holds bytes whose SHA-256 is ", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_blob_of_another_length_or_beyond_the_limit_is_refused_unread()
    {
        var staged = _blobs.Stage(Bytes);
        _blobs.Publish(staged);

        Assert.Equal($"Blob {Sha256} has 7 bytes; announced 8, at most 100.", Assert.Throws<BlobException>(() => _blobs.Read(staged.Ref with { SizeBytes = 8 }, limit: 100)).Message);
        Assert.Equal($"Blob {Sha256} has 7 bytes; announced 7, at most 6.", Assert.Throws<BlobException>(() => _blobs.Read(staged.Ref, limit: 6)).Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../secret")]
    [InlineData("/etc/passwd")]
    [InlineData("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")]
    [InlineData("../../../../../../../../../../../../../../../../../../../etc/passwd")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85\0")]
    public void A_name_that_is_not_a_hash_is_never_a_path(string name)
    {
        Assert.False(BlobFolder.IsName(name));
        Action[] uses =
        [
            () => _blobs.Contains(name),
            () => _blobs.Length(name),
            () => _blobs.OpenRead(name).Dispose(),
            () => _blobs.Read(new BlobRef { Sha256 = name, SizeBytes = 1 }, limit: 1),
            () => _blobs.Delete(name),
            () => _blobs.MoveTo(_blobs, name),
        ];
        Assert.All(uses, use => Assert.Equal($"\"{name}\" is not a blob's name: 64 lower-case hexadecimal digits.", Assert.Throws<BlobException>(use).Message));
    }

    [Fact]
    public void Files_with_other_names_are_not_blobs()
    {
        File.WriteAllText(Path.Combine(_folder.File("blobs"), "notes.txt"), "");

        Assert.Empty(_blobs.Names());
    }

    [Fact]
    public void A_blob_moves_to_another_folder_whole()
    {
        var readable = new BlobFolder(_folder.File("readable"), synced: true);
        var staged = _blobs.Stage(Bytes);
        _blobs.Publish(staged);

        _blobs.MoveTo(readable, Sha256);

        Assert.False(_blobs.Contains(Sha256));
        Assert.Equal(Bytes, readable.Read(staged.Ref, limit: 100));
    }

    [Fact]
    public async Task A_folder_of_the_same_process_is_a_model_source()
    {
        var staged = _blobs.Stage(Bytes);
        _blobs.Publish(staged);

        Assert.Equal(Bytes, await new FolderModelSource(_blobs).ReadAsync(staged.Ref, CancellationToken.None));
    }

    [Fact]
    public void A_deleted_blob_is_gone_and_deleting_it_again_is_fine()
    {
        _blobs.Publish(_blobs.Stage(Bytes));
        _blobs.Delete(Sha256);
        _blobs.Delete(Sha256);

        Assert.False(_blobs.Contains(Sha256));
    }

    [Fact]
    public void A_blob_that_is_being_read_may_be_deleted_and_is_read_to_its_end()
    {
        _blobs.Publish(_blobs.Stage(Bytes));
        using var reading = _blobs.OpenRead(Sha256);
        _blobs.Delete(Sha256);

        var read = new byte[7];
        reading.ReadExactly(read);
        Assert.Equal(Bytes, read);
    }
}
