using System.IO.Compression;
using System.Text;

namespace FlEvents.Learning.Data.Tests;

/// <summary>A folder of its own for a test's files; gone after the test.</summary>
public sealed class DataFiles : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("flevents-data-").FullName;

    public string Write(string name, byte[] content)
    {
        var path = Path.Combine(_path, name);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    public static byte[] Gzip(byte[] content)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return buffer.ToArray();
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
