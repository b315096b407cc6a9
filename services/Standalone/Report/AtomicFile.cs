using FlEvents.ServiceDefaults.Faults;

namespace FlEvents.Standalone.Report;

/// <summary>Replaces a file as a whole: whoever reads it finds the old content or the new, never a part.</summary>
public static class AtomicFile
{
    private const string Owner = "flevents";

    /// <inheritdoc cref="Write{T}(string, T, Action{Stream, T})"/>
    /// <param name="path">File in a folder that exists.</param>
    /// <param name="content">All bytes of the file.</param>
    public static void Write(string path, ReadOnlySpan<byte> content) => Write(path, content, (file, bytes) => file.Write(bytes));

    /// <summary>Writes beside the file, then renames over it. A failure leaves the old file and no temporary one.</summary>
    /// <param name="path">File in a folder that exists.</param>
    /// <param name="content">What is written.</param>
    /// <param name="write">Writes it as all bytes of the file.</param>
    public static void Write<T>(string path, T content, Action<Stream, T> write)
        where T : allows ref struct
    {
        var full = Path.GetFullPath(path);
        var name = Path.GetFileName(full);
        var temporary = Path.Combine(Path.GetDirectoryName(full)!, $".{name}.{Guid.NewGuid():n}.part");
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                write(file, content);
                CrashPoint.Pass(Owner, "fsync.before", full, name);
                file.Flush(flushToDisk: true);
                CrashPoint.Pass(Owner, "fsync.after", full, name);
            }

            CrashPoint.Pass(Owner, "rename.before", full, name);
            File.Move(temporary, full, overwrite: true);
            CrashPoint.Pass(Owner, "rename.after", full, name);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
