using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Faults;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Blobs;

/// <summary>
/// Immutable blobs in a folder, named by their SHA-256: written to a temporary file, synced, renamed; verified when they are read. A name is
/// never a path: only 64 lower-case hexadecimal digits are accepted.
/// </summary>
public sealed class BlobFolder
{
    private const string TemporaryPrefix = "staged-";
    private readonly string _folder;
    private readonly bool _synced;

    /// <param name="synced">Whether a blob survives a power cut once it has its name.</param>
    public BlobFolder(string folder, bool synced)
    {
        _folder = Path.GetFullPath(folder);
        _synced = synced;
        Directory.CreateDirectory(_folder);
    }

    /// <summary>Whose folder it is and of what, in the names of its crash points.</summary>
    public string Name { get; init; } = "blobs";

    /// <summary>Writes bytes under a temporary name. Note the hash where it is kept, then give the blob its name with <see cref="Publish"/>.</summary>
    public StagedBlob Stage(ReadOnlySpan<byte> bytes)
    {
        var path = Path.Combine(_folder, TemporaryPrefix + Guid.NewGuid().ToString("N"));
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write))
        {
            file.Write(bytes);
            Sync(file);
        }

        return new StagedBlob(new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)), SizeBytes = bytes.Length }, path);
    }

    /// <summary>Takes over a file that was received elsewhere on the same volume, after hashing it.</summary>
    public StagedBlob Stage(string receivedFile)
    {
        using var file = new FileStream(receivedFile, FileMode.Open, FileAccess.ReadWrite);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(file));
        Sync(file);
        return new StagedBlob(new BlobRef { Sha256 = sha256, SizeBytes = file.Length }, receivedFile);
    }

    /// <summary>Gives a staged blob its name; the same bytes under the same name already are fine.</summary>
    public void Publish(StagedBlob staged)
    {
        CrashPoint.Pass(Name, "rename.before", _folder);
        File.Move(staged.TemporaryPath, PathOf(staged.Ref.Sha256), overwrite: true);
        CrashPoint.Pass(Name, "rename.after", _folder);
        if (_synced)
        {
            SyncFolder();
        }
    }

    public static void Discard(StagedBlob staged) => File.Delete(staged.TemporaryPath);

    public bool Contains(string sha256) => File.Exists(PathOf(sha256));

    /// <summary>Length in bytes, or null when there is no such blob.</summary>
    public long? Length(string sha256) => new FileInfo(PathOf(sha256)) is { Exists: true } file ? file.Length : null;

    public FileStream OpenRead(string sha256) => new(PathOf(sha256), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);

    /// <summary>Reads a whole blob and checks its length and hash.</summary>
    /// <exception cref="BlobException">It is missing, larger than <paramref name="limit"/>, or its bytes are not those of its name.</exception>
    public byte[] Read(BlobRef blob, long limit)
    {
        var length = Length(blob.Sha256) ?? throw new BlobException($"Blob {blob.Sha256} is not in the store.");
        if (length != blob.SizeBytes || length > limit)
        {
            throw new BlobException($"Blob {blob.Sha256} has {length} bytes; announced {blob.SizeBytes}, at most {limit}.");
        }

        var bytes = File.ReadAllBytes(PathOf(blob.Sha256));
        return BlobException.Verified(blob, bytes);
    }

    /// <summary>Names in the folder, for the collection of blobs that nothing refers to.</summary>
    public IEnumerable<string> Names() => Directory.EnumerateFiles(_folder).Select(path => Path.GetFileName(path)!).Where(IsName);

    public void Delete(string sha256) => File.Delete(PathOf(sha256));

    /// <summary>Deletes temporary files a crash has left; before anything is staged.</summary>
    public void DeleteStaged()
    {
        foreach (var path in Directory.EnumerateFiles(_folder, TemporaryPrefix + "*"))
        {
            File.Delete(path);
        }
    }

    /// <summary>Moves a blob to another folder of the same volume, e.g. from the private one to the readable one.</summary>
    public void MoveTo(BlobFolder target, string sha256)
    {
        CrashPoint.Pass(Name, "move.before", _folder);
        File.Move(PathOf(sha256), target.PathOf(sha256), overwrite: true);
        CrashPoint.Pass(Name, "move.after", _folder);
        if (_synced)
        {
            target.SyncFolder();
        }
    }

    public static bool IsName(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);

    private string PathOf(string sha256) =>
        IsName(sha256) ? Path.Combine(_folder, sha256) : throw new BlobException($"\"{sha256}\" is not a blob's name: 64 lower-case hexadecimal digits.");

    private void Sync(FileStream file)
    {
        CrashPoint.Pass(Name, "fsync.before", _folder);
        file.Flush(_synced);
        CrashPoint.Pass(Name, "fsync.after", _folder);
    }

    private void SyncFolder()
    {
        CrashPoint.Pass(Name, "folder-fsync.before", _folder);
        FolderSync.Sync(_folder);
        CrashPoint.Pass(Name, "folder-fsync.after", _folder);
    }
}

/// <summary>A blob under a temporary name, not yet to be found.</summary>
public record StagedBlob(BlobRef Ref, string TemporaryPath);
