using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FlEvents.Learning.Randomness;

/// <summary>
/// A reproducible random stream named by a seed and a path, e.g. (7, "batches", round, client): streams of different paths are independent, and
/// none depends on how much another was used. For initial weights, partitions, cohorts and non-private batches; never for privacy noise.
/// </summary>
/// <remarks>
/// xoshiro256** (Blackman and Vigna 2021, doi:10.1145/3460772) with its 256-bit state set to SHA-256 of the path. Integers only, and doubles made
/// from them by exact operations: the same numbers on every machine.
/// </remarks>
public sealed class SeededRandom
{
    private ulong _s0, _s1, _s2, _s3;

    private SeededRandom(ReadOnlySpan<byte> state)
    {
        _s0 = BinaryPrimitives.ReadUInt64LittleEndian(state);
        _s1 = BinaryPrimitives.ReadUInt64LittleEndian(state[8..]);
        _s2 = BinaryPrimitives.ReadUInt64LittleEndian(state[16..]);
        _s3 = BinaryPrimitives.ReadUInt64LittleEndian(state[24..]);
    }

    /// <summary>The stream of a path below a seed.</summary>
    /// <param name="seed">The run's seed, or a data set's.</param>
    /// <param name="path">What the stream is for, then the ids that set it apart; written with invariant culture.</param>
    public static SeededRandom Derive(long seed, params ReadOnlySpan<object> path)
    {
        var key = new StringBuilder().Append(seed);
        foreach (var part in path)
        {
            var text = FormattableString.Invariant($"{part}");
            key.Append('|').Append(text.Length).Append(':').Append(text);
        }

        return new SeededRandom(SHA256.HashData(Encoding.UTF8.GetBytes(key.ToString())));
    }

    public ulong NextUInt64()
    {
        var result = ulong.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = ulong.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1) on the grid of 2⁻⁵³.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, <paramref name="bound"/>), without bias (Lemire 2019, arXiv:1805.10941, algorithm 5).</summary>
    /// <param name="bound">At least 1.</param>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        var product = (NextUInt64() >> 32) * (ulong)bound;
        if ((uint)product < (uint)bound)
        {
            var threshold = (uint)(-bound) % (uint)bound;
            while ((uint)product < threshold)
            {
                product = (NextUInt64() >> 32) * (ulong)bound;
            }
        }

        return (int)(product >> 32);
    }

    /// <summary>Puts the items in a uniformly random order (Fisher–Yates, from the end).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
