using System.Buffers.Binary;
using System.IO.Compression;

namespace FlEvents.Learning.Data;

/// <summary>
/// A file of unsigned bytes in IDX format, plain or gzip by content: four bytes of magic number (0, 0, 8 for unsigned bytes, number of
/// dimensions), each dimension as a big-endian 32-bit number, then the items one after another (MNIST database, LeCun, Cortes and Burges).
/// </summary>
/// <remarks>
/// The file may be hostile: what its header promises is believed only once the length of the content is known to fit, and nothing of that size is
/// allocated before. A gzip stream is never read further than one byte past the promise. Byte offsets in messages are those of the unpacked content.
/// </remarks>
internal sealed class IdxFile : IDisposable
{
    /// <summary>Most content bytes a header may promise: 512 MiB.</summary>
    public const long MaximumBytes = 512L << 20;

    // Deflate's best case is 258 bytes out of two bits.
    private const long MaximumDeflateRatio = 1032;

    private readonly string _path;
    private readonly DataErrors _errors;
    private readonly Stream _content;
    private readonly bool _isGzip;
    private long _offset;

    private IdxFile(string path, FileStream file)
    {
        _path = path;
        _errors = new DataErrors(path);
        Span<byte> start = stackalloc byte[2];
        _isGzip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start is [0x1F, 0x8B];
        file.Position = 0;
        _content = _isGzip ? new GZipStream(file, CompressionMode.Decompress) : file;
    }

    /// <summary>Items, from the first dimension.</summary>
    public int Count { get; private set; }

    /// <summary>The further dimensions: none for labels, rows and columns for images.</summary>
    public int[] ItemShape { get; private set; } = [];

    /// <summary>Bytes of one item.</summary>
    public int ItemSize { get; private set; }

    /// <summary>Opens a file and reads its header; of a plain file the length is checked too.</summary>
    /// <param name="dimensions">1 for labels, 3 for images.</param>
    /// <exception cref="DataException">Not such a file, or it promises more than it can hold or than <see cref="MaximumBytes"/>.</exception>
    public static IdxFile Open(string path, int dimensions)
    {
        var file = DataErrors.Open(path);
        try
        {
            var idx = new IdxFile(path, file);
            idx.ReadHeader(dimensions, file.Length);
            return idx;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that the content is exactly as long as the header says: reads a gzip file once, keeping nothing.</summary>
    public void CheckLength()
    {
        if (!_isGzip)
        {
            return;
        }

        using var again = Open(_path, ItemShape.Length + 1);
        var buffer = new byte[1 << 16];
        var promised = (long)Count * ItemSize;
        long length = 0;
        int read;
        do
        {
            read = again.ReadSome(buffer.AsSpan(0, (int)Math.Min(buffer.Length, promised + 1 - length)));
            length += read;
        }
        while (read > 0 && length <= promised);

        if (length != promised)
        {
            throw _errors.Fatal(
                $"byte offset {_offset}: {(length > promised ? $"more than {promised}" : length)} bytes of items; the header promises {promised} ({Shape()}).");
        }
    }

    /// <summary>Passes over items without keeping them.</summary>
    public void Skip(int items)
    {
        var buffer = new byte[1 << 16];
        for (var left = (long)items * ItemSize; left > 0;)
        {
            var step = (int)Math.Min(buffer.Length, left);
            Read(buffer.AsSpan(0, step));
            left -= step;
        }
    }

    /// <summary>Fills the buffer with the next bytes of the items.</summary>
    public void Read(Span<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            var read = ReadSome(buffer);
            if (read == 0)
            {
                throw _errors.Fatal($"byte offset {_offset}: the file ends; expected {buffer.Length} more bytes.");
            }

            buffer = buffer[read..];
        }
    }

    public DataException Error(string text) => _errors.Fatal(text);

    public void Dispose() => _content.Dispose();

    private void ReadHeader(int dimensions, long fileLength)
    {
        var expected = 0x0800u + (uint)dimensions;
        var magic = ReadNumber("the magic number");
        if (magic != expected)
        {
            var kind = dimensions == 1 ? "unsigned bytes in 1 dimension" : $"unsigned bytes in {dimensions} dimensions";
            throw _errors.Fatal($"byte offset 0: magic number is 0x{magic:x8}; expected 0x{expected:x8} ({kind}).");
        }

        var shape = new int[dimensions];
        var promised = 1L;
        for (var i = 0; i < dimensions; i++)
        {
            var size = ReadNumber($"the size of dimension {i}");
            if (size is 0 || size > MaximumBytes || promised * size > MaximumBytes)
            {
                throw _errors.Fatal(
                    $"byte offset {_offset - 4}: size of dimension {i} is {size}; expected at least 1, and at most {MaximumBytes} bytes over all dimensions.");
            }

            shape[i] = (int)size;
            promised *= size;
        }

        (Count, ItemShape, ItemSize) = (shape[0], shape[1..], (int)(promised / shape[0]));
        if (!_isGzip && fileLength != _offset + promised)
        {
            throw _errors.Fatal($"byte offset {_offset}: {fileLength - _offset} bytes of items; the header promises {promised} ({Shape()}).");
        }

        if (_isGzip && promised > fileLength * MaximumDeflateRatio)
        {
            throw _errors.Fatal(
                $"byte offset {_offset}: the header promises {promised} bytes of items ({Shape()}); a gzip file of {fileLength} bytes can't hold so many.");
        }
    }

    private uint ReadNumber(string what)
    {
        Span<byte> bytes = stackalloc byte[4];
        for (var have = 0; have < 4;)
        {
            var read = ReadSome(bytes[have..]);
            if (read == 0)
            {
                throw _errors.Fatal($"byte offset {_offset}: the file ends in {what}; expected 4 bytes.");
            }

            have += read;
        }

        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    private int ReadSome(Span<byte> buffer)
    {
        try
        {
            var read = _content.Read(buffer);
            _offset += read;
            return read;
        }
        catch (InvalidDataException)
        {
            throw _errors.Fatal($"byte offset {_offset}: the gzip data is damaged; expected a whole gzip file.");
        }
    }

    private string Shape() => string.Join('×', [Count, .. ItemShape]);
}
