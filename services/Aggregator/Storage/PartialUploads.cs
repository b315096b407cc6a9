using FlEvents.ServiceDefaults.Faults;

namespace FlEvents.Aggregator.Storage;

/// <summary>Updates that are on their way: a file for each task, which grows as pieces come in.</summary>
public sealed class PartialUploads
{
    private const int IdLength = 32;
    private readonly string _folder;

    public PartialUploads(AggregatorOptions options)
    {
        // On the updates' volume: a file that is complete is renamed.
        _folder = Path.Combine(options.DataFolder, "updates", "partial");
        Directory.CreateDirectory(_folder);
    }

    /// <summary>Bytes of a task's update that are here; 0 when there are none.</summary>
    public long Length(Guid reservationId) => new FileInfo(PathOf(reservationId)) is { Exists: true } file ? file.Length : 0;

    /// <summary>Opens a task's file for this caller alone.</summary>
    /// <exception cref="IOException">Someone else has it open.</exception>
    public FileStream Open(Guid reservationId) => new(PathOf(reservationId), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    /// <summary>
    /// Gives a complete file a name that nobody else knows. Called while it is open: whoever comes next begins a new file, and can't write to
    /// this one after its bytes were looked at.
    /// </summary>
    /// <returns>Its path.</returns>
    public string Detach(Guid reservationId)
    {
        var path = $"{PathOf(reservationId)}-{Guid.NewGuid():N}";
        CrashPoint.Pass("aggregator.partial", "rename.before", _folder);
        File.Move(PathOf(reservationId), path);
        CrashPoint.Pass("aggregator.partial", "rename.after", _folder);
        return path;
    }

    /// <summary>Files that were last written to before a moment, with their tasks.</summary>
    public IEnumerable<(string Path, Guid ReservationId)> WrittenBefore(DateTimeOffset moment) =>
        from path in Directory.EnumerateFiles(_folder)
        let name = Path.GetFileName(path)
        where name.Length >= IdLength && File.GetLastWriteTimeUtc(path) < moment.UtcDateTime
        select (path, Guid.TryParseExact(name[..IdLength], "N", out var id) ? id : Guid.Empty);

    private string PathOf(Guid reservationId) => Path.Combine(_folder, reservationId.ToString("N"));
}
