namespace FlEvents.Standalone.Report;

/// <summary>Replaces a file as a whole: whoever reads it finds the old content or the new, never a part.</summary>
public static class AtomicFile
{
    /// <summary>Writes beside the file, then renames over it. A failure leaves the old file and no temporary one.</summary>
    /// <param name="path">File in a folder that exists.</param>
    /// <param name="content">All bytes of the file.</param>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var full = Path.GetFullPath(path);
        var temporary = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetFileName(full)}.{Guid.NewGuid():n}.part");
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
