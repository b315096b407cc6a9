using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.Standalone.Replay;

/// <summary>What replay reads: the folder that a run has left, or one made of a deployment's log and blobs. Nothing is written.</summary>
public sealed class ReplayFolder
{
    private static readonly string[] Places = ["state/aggregator", "aggregator", ""];

    /// <exception cref="NoEventLogException">The folder holds no log.</exception>
    public ReplayFolder(string path)
    {
        Path = path;
        Events = System.IO.Path.Combine(path, "events.jsonl");
        if (!File.Exists(Events))
        {
            throw new NoEventLogException($"There is no event log in {path}: expected events.jsonl in it. {Missing()}");
        }

        Anchor = EventsAnchor.Find(path);
    }

    public string Path { get; }

    public string Events { get; }

    /// <summary>The file that names the log's last record; null where there is none.</summary>
    public EventsAnchor? Anchor { get; }

    /// <summary>Path of a global model.</summary>
    /// <param name="isLast">Whether it is the run's last one, which a run leaves beside its log.</param>
    /// <returns>Null when it is not there.</returns>
    public string? Model(string sha256, bool isLast) => Blob("models", sha256) ?? (isLast && File.Exists(Last) ? Last : null);

    /// <summary>The copy of the run's last model that lies beside the log.</summary>
    public string Last => System.IO.Path.Combine(Path, "model.safetensors");

    /// <summary>Path of an update; null when it is not there.</summary>
    public string? Update(string sha256) => Blob("updates", sha256);

    /// <summary>What is wrong with a blob's file; null when its bytes are those of its name.</summary>
    public static string? FaultOf(string file, BlobRef blob)
    {
        using var bytes = File.OpenRead(file);
        if (bytes.Length != blob.SizeBytes)
        {
            return $"{file} has {bytes.Length} bytes, expected {blob.SizeBytes}";
        }

        var sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return sha256 == blob.Sha256 ? null : $"{file} has the SHA-256 {sha256}, expected {blob.Sha256}";
    }

    /// <summary>Opens an update to be read a slice at a time.</summary>
    /// <exception cref="SafetensorsException">It is not well-formed.</exception>
    public static (FileStream File, SafetensorsHeader Header) Open(string file)
    {
        var stream = File.OpenRead(file);
        try
        {
            return (stream, SafetensorsHeader.Read(stream, stream.Length));
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    // A name is never a path.
    private string? Blob(string kind, string sha256) => !BlobFolder.IsName(sha256) ? null
        : Places.Select(place => System.IO.Path.Combine(Path, place, kind, sha256)).FirstOrDefault(File.Exists);

    private string Missing() => !Directory.Exists(Path) ? "There is no such folder."
        : File.Exists(System.IO.Path.Combine(Path, "summary.json")) ? "Its run was begun by a version of flevents that kept no log."
        : Directory.Exists(System.IO.Path.Combine(Path, "state")) ? $"Its run has not ended: go on with it by ./flevents run --resume {Path}."
        : "A run leaves one in its folder; flevents events takes one from a deployment.";
}
