using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Safetensors;

/// <summary>Writes a parameter vector as a safetensors file: the same layout and values always give the same bytes.</summary>
/// <remarks>
/// Tensors stand in the order of the layout, without metadata; spaces after the header make the data begin at a multiple of 8 bytes, as the format
/// recommends. Numbers are little-endian, which every machine this library is built for is too.
/// </remarks>
public static class SafetensorsWriter
{
    /// <summary>The file in memory.</summary>
    /// <exception cref="ArgumentException">The weights do not fit the layout, or its header is too long.</exception>
    public static byte[] Write(ModelLayout layout, ReadOnlySpan<float> weights)
    {
        var header = Header(layout, weights.Length);
        var file = new byte[checked(header.Length + (weights.Length * sizeof(float)))];
        header.CopyTo(file, 0);
        MemoryMarshal.AsBytes(weights).CopyTo(file.AsSpan(header.Length));
        return file;
    }

    /// <summary>Writes the file from the stream's position on.</summary>
    /// <exception cref="ArgumentException">The weights do not fit the layout, or its header is too long.</exception>
    public static void Write(ModelLayout layout, ReadOnlySpan<float> weights, Stream stream)
    {
        const int ChunkLength = 1 << 20;
        stream.Write(Header(layout, weights.Length));
        for (var start = 0; start < weights.Length; start += ChunkLength)
        {
            stream.Write(MemoryMarshal.AsBytes(weights.Slice(start, Math.Min(ChunkLength, weights.Length - start))));
        }
    }

    /// <summary>Bytes of the file of a layout.</summary>
    public static long FileLength(ModelLayout layout) => Header(layout, layout.Length).Length + ((long)layout.Length * sizeof(float));

    /// <summary>The length of the header, and the header.</summary>
    private static byte[] Header(ModelLayout layout, int weights)
    {
        if (weights != layout.Length)
        {
            throw new ArgumentException($"{weights} weights do not fit a layout of {layout.Length} parameters.", nameof(weights));
        }

        var json = new StringBuilder("{");
        foreach (var tensor in layout.Tensors)
        {
            var begin = (long)tensor.Offset * sizeof(float);
            var end = begin + ((long)tensor.Length * sizeof(float));
            json.Append(json.Length > 1 ? "," : "")
                .Append('"').Append(JsonEncodedText.Encode(tensor.Name))
                .Append("\":{\"dtype\":\"F32\",\"shape\":[").AppendJoin(',', tensor.Shape)
                .Append("],\"data_offsets\":[").Append(begin).Append(',').Append(end).Append("]}");
        }

        var text = Encoding.UTF8.GetBytes(json.Append('}').ToString());
        var length = (text.Length + 7) / 8 * 8;
        if (length > SafetensorsHeader.MaxLength)
        {
            throw new ArgumentException($"A header of {length} bytes; expected at most {SafetensorsHeader.MaxLength}.", nameof(layout));
        }

        var header = new byte[sizeof(long) + length];
        BinaryPrimitives.WriteInt64LittleEndian(header, length);
        text.CopyTo(header, sizeof(long));
        header.AsSpan(sizeof(long) + text.Length).Fill((byte)' ');
        return header;
    }
}
