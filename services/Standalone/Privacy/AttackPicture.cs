using System.Buffers.Binary;
using System.IO.Compression;

namespace FlEvents.Standalone.Privacy;

/// <summary>A grey picture as a PNG file (ISO/IEC 15948): 8 bits a pixel, no filter, no interlacing.</summary>
public static class AttackPicture
{
    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <param name="pixels">In [0, 1], 0 black; what lies outside is cut. Shape [rows, columns].</param>
    /// <param name="columns">At least 1.</param>
    public static byte[] Png(ReadOnlySpan<double> pixels, int columns)
    {
        var rows = pixels.Length / columns;
        // Each row begins with the number of its filter, 0.
        var lines = new byte[rows * (columns + 1)];
        for (var i = 0; i < pixels.Length; i++)
        {
            lines[(i / columns * (columns + 1)) + 1 + (i % columns)] = (byte)Math.Round(255 * Math.Clamp(pixels[i], 0, 1));
        }

        using var file = new MemoryStream();
        file.Write(Signature);
        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, columns);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], rows);
        header[8] = 8;
        Chunk(file, "IHDR"u8, header);
        Chunk(file, "IDAT"u8, Deflated(lines));
        Chunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static byte[] Deflated(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var stream = new ZLibStream(packed, CompressionLevel.Optimal))
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }

    private static void Chunk(MemoryStream file, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> content)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(kind);
        file.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~Crc(Crc(uint.MaxValue, kind), content));
        file.Write(number);
    }

    /// <summary>CRC-32 with the reversed polynomial EDB88320, bit by bit: pictures are small.</summary>
    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
            }
        }

        return crc;
    }
}
