using System.Buffers.Binary;
using FlEvents.Learning.Randomness;

namespace FlEvents.Limits.Tests;

/// <summary>Changes to the bytes of a good file, as damage or malice makes them.</summary>
internal static class ByteMutation
{
    private const int LongestInsert = 16;

    /// <summary>Lengths and counts that programs get wrong.</summary>
    private static readonly long[] Extremes =
        [0, 1, -1, 127, 255, 256, short.MaxValue, int.MaxValue, (long)int.MaxValue + 1, uint.MaxValue, 10_000_000_000, long.MaxValue, long.MinValue, 1 << 20, (1 << 20) + 1];

    /// <summary>Text that readers of text get wrong.</summary>
    private static readonly byte[][] Tokens =
    [
        [.. "\""u8], [.. "\0"u8], [.. ","u8], [.. "\r\n"u8], [.. "{"u8], [.. "[[[[[[[["u8], [.. "}"u8], [.. "]"u8], [.. "null"u8], [.. "-1"u8], [.. "1e999"u8], [.. "NaN"u8],
        [.. "9223372036854775808"u8], [.. "\\ud800"u8], [.. "\uFEFF"u8], [.. "\u202E"u8], [0xFF, 0xFE], [.. "true"u8], [.. "\"__proto__\":"u8], [.. "0.1"u8],
    ];

    /// <summary>One to four changes: a bit, a byte, a number or a word put in; bytes removed, doubled or taken from another file; the end cut off.</summary>
    /// <param name="other">Where bytes may be taken from.</param>
    public static byte[] Of(ReadOnlySpan<byte> content, ReadOnlySpan<byte> other, SeededRandom random)
    {
        List<byte> bytes = [.. content];
        for (var changes = 1 + random.NextInt(4); changes > 0 && bytes.Count > 0; changes--)
        {
            Change(bytes, other, random);
        }

        return [.. bytes];
    }

    private static void Change(List<byte> bytes, ReadOnlySpan<byte> other, SeededRandom random)
    {
        var at = random.NextInt(bytes.Count);
        var length = Math.Min(1 + random.NextInt(LongestInsert), bytes.Count - at);
        switch (random.NextInt(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.NextInt(8));
                break;
            case 1:
                bytes[at] = (byte)random.NextInt(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 5:
                bytes.InsertRange(at, Tokens[random.NextInt(Tokens.Length)]);
                break;
            case 6:
                // Files of numbers begin with their lengths.
                Overwrite(bytes, random.NextInt(2) == 0 ? at : random.NextInt(Math.Min(32, bytes.Count)), Number(random));
                break;
            case 7:
                var from = random.NextInt(other.Length);
                bytes.InsertRange(at, [.. other.Slice(from, Math.Min(length, other.Length - from))]);
                break;
            default:
                Overwrite(bytes, at, Tokens[random.NextInt(Tokens.Length)]);
                break;
        }
    }

    private static byte[] Number(SeededRandom random)
    {
        var value = Extremes[random.NextInt(Extremes.Length)];
        var bytes = new byte[random.NextInt(2) == 0 ? sizeof(int) : sizeof(long)];
        var isBigEndian = random.NextInt(2) == 0;
        if (bytes.Length == sizeof(int))
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes, unchecked((int)value));
        }
        else
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        }

        if (isBigEndian)
        {
            Array.Reverse(bytes);
        }

        return bytes;
    }

    private static void Overwrite(List<byte> bytes, int at, byte[] value)
    {
        for (var i = 0; i < value.Length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = value[i];
        }
    }
}
