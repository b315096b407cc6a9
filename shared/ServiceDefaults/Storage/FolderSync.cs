using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>Makes a folder's names durable: a rename survives a power cut once its folder is synced.</summary>
public static partial class FolderSync
{
    /// <exception cref="IOException">The folder can't be opened or synced.</exception>
    public static void Sync(string folder)
    {
        // .NET can't open a folder, so the two calls are made directly.
        using var handle = new SafeFileHandle(open(folder, flags: 0), ownsHandle: true);
        if (handle.IsInvalid || fsync(handle) != 0)
        {
            throw new IOException($"Could not sync folder {folder}: error {Marshal.GetLastPInvokeError()}.");
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial IntPtr open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle handle);
}
