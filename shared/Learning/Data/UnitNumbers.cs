using System.Buffers.Binary;
using System.Security.Cryptography;

namespace FlEvents.Learning.Data;

/// <summary>Numbers the values of a privacy unit column from 0, in the order in which they first appear.</summary>
/// <remarks>
/// Half a SHA-256 stands for a value, so that memory does not grow with the length of values and none of them is kept. Two values with the same half are not
/// to be expected among fewer than some 2⁶⁴.
/// </remarks>
internal sealed class UnitNumbers
{
    private readonly Dictionary<UInt128, int> _known = [];

    /// <summary>Values that have a number.</summary>
    public int Count => _known.Count;

    public int Of(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(value, hash);
        var key = BinaryPrimitives.ReadUInt128LittleEndian(hash);
        if (!_known.TryGetValue(key, out var number))
        {
            _known.Add(key, number = _known.Count);
        }

        return number;
    }
}
