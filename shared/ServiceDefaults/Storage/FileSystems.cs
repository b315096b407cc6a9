using System.Runtime.InteropServices;

namespace FlEvents.ServiceDefaults.Storage;

/// <summary>
/// On what a database lies. SQLite's write-ahead log is shared by memory, which a network file system does not share between machines, and the locks and syncs
/// of many are a promise only: two writers, or a power cut, would destroy the ledger without a word.
/// </summary>
public static partial class FileSystems
{
    /// <summary>Network file systems by the type that Linux gives them (statfs(2)). FUSE is not among them: it may be anything, also a local disk.</summary>
    private static readonly Dictionary<uint, string> Network = new()
    {
        [0x6969] = "NFS", [0x517B] = "SMB", [0xFF534D42] = "CIFS", [0xFE534D42] = "SMB2", [0x01021997] = "9p", [0x5346414F] = "AFS", [0x6B414653] = "AFS", [0x73757245] = "Coda",
        [0x00C36400] = "Ceph", [0x0BD00BD0] = "Lustre", [0x564C] = "NCP",
    };

    /// <param name="type">Field f_type of statfs(2).</param>
    /// <returns>Name of the network file system; null for any other.</returns>
    public static string? NetworkName(long type) => Network.GetValueOrDefault(unchecked((uint)type));

    /// <param name="path">A file that may not be there yet.</param>
    /// <returns>What is wrong with its place for a database, as a sentence; null for nothing that can be told.</returns>
    public static string? Defect(string path) =>
        OperatingSystem.IsLinux() && TypeOf(path) is { } type && NetworkName(type) is { } name
            ? $"The database {path} would lie on {name}, a network file system, where SQLite's log does not work: use a disk of this machine or a block volume."
            : null;

    // Of the nearest folder that is there; null where that can't be told, and opening the database says why.
    private static long? TypeOf(string path)
    {
        var at = Path.GetFullPath(path);
        while (!Path.Exists(at) && Path.GetDirectoryName(at) is { } parent)
        {
            at = parent;
        }

        return statfs(at, out var statistics) == 0 ? statistics.Type : null;
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int statfs(string path, out Statistics statistics);

    // 120 bytes on 64-bit Linux, of which the first word is asked for.
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct Statistics
    {
        public long Type;
    }
}
