using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Continuous Gaussian noise in double.</summary>
/// <remarks>
/// Box and Muller 1958, doi:10.1214/aoms/1177706645: for uniforms u and v, √(−2 ln u)·(cos 2πv, sin 2πv) are two independent draws of N(0, 1). u = (k +
/// ½)·2⁻⁶⁴ for 64 random bits k, so that u is never 0 and a draw reaches √(−2 ln 2⁻⁶⁵) = 9.49; beyond that lies a mass of 2·10⁻²¹. Not hardened against
/// attacks on the gaps between floats (Mironov 2012, doi:10.1145/2382196.2382264).
/// </remarks>
public static class GaussianNoise
{
    // 32 KiB: what one call for random bytes costs no longer counts, and the block stays in the first-level cache.
    private const int BlockLength = 4096;

    private static int Pairs => Vector512<double>.Count;

    /// <summary>Overwrites each value with a draw of N(0, σ²).</summary>
    /// <param name="values">Overwritten, first with random bytes and then, in their place, with what is made of them.</param>
    /// <param name="standardDeviation">σ, finite and above 0.</param>
    /// <param name="random">Asked for eight bytes a value, a little more for the last ones.</param>
    /// <exception cref="ArgumentOutOfRangeException">σ is not finite and above 0.</exception>
    public static void Fill(Span<double> values, double standardDeviation, RandomBytes random)
    {
        Positive.Check(standardDeviation, nameof(standardDeviation), "The standard deviation");
        while (values.Length >= 2 * Pairs)
        {
            var length = Math.Min(BlockLength, values.Length / (2 * Pairs) * (2 * Pairs));
            FillPairs(values[..length], standardDeviation, random);
            values = values[length..];
        }

        if (values.Length > 0)
        {
            Span<double> rest = stackalloc double[2 * Vector512<double>.Count];
            FillPairs(rest, standardDeviation, random);
            rest[..values.Length].CopyTo(values);
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(rest));
        }
    }

    /// <summary>The radius of a pair comes from the bits in the first half, its angle from those in the second.</summary>
    private static void FillPairs(Span<double> values, double standardDeviation, RandomBytes random)
    {
        random(MemoryMarshal.AsBytes(values));
        var half = values.Length / 2;
        ref var first = ref MemoryMarshal.GetReference(values);
        var sigma = Vector512.Create(standardDeviation);
        for (nuint i = 0; i < (nuint)half; i += (nuint)Pairs)
        {
            var bits = Vector512.LoadUnsafe(ref first, i).AsUInt64();
            var angleBits = Vector512.LoadUnsafe(ref first, i + (nuint)half).AsInt64();
            var uniform = (Vector512.ConvertToDouble(bits) + Vector512.Create(0.5)) * Vector512.Create(Math.ScaleB(1, -64));
            var radius = sigma * Vector512.Sqrt(Vector512.Create(-2.0) * Vector512.Log(uniform));
            var (sin, cos) = Vector512.SinCos(Vector512.ConvertToDouble(angleBits) * Vector512.Create(Math.ScaleB(Math.PI, -63)));
            (radius * cos).StoreUnsafe(ref first, i);
            (radius * sin).StoreUnsafe(ref first, i + (nuint)half);
        }
    }
}
