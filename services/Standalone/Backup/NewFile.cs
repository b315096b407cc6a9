using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Standalone.Backup;

/// <summary>A file that is there whole or not at all, also after a power cut, and that replaces no other. Only its owner may read it.</summary>
public static class NewFile
{
    /// <param name="path">File that does not exist, in a folder that does.</param>
    /// <param name="write">Writes to a temporary path beside it. Should it fail, nothing is left.</param>
    /// <exception cref="IOException">There is such a file, or it can't be written.</exception>
    public static async Task WriteAsync(string path, Func<string, Task> write)
    {
        var full = Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(full)!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(full)}.{Guid.NewGuid():n}.part");
        try
        {
            await write(temporary);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(temporary, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            await using (var file = new FileStream(temporary, FileMode.Open, FileAccess.ReadWrite))
            {
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: false);
            FolderSync.Sync(folder);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
