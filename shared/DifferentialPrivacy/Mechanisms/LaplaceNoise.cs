using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Continuous Laplace noise in double.</summary>
/// <remarks>
/// ±b·ln u with u = (k + ½)·2⁻⁶³ for 63 random bits k, and the sign from a 64th: a magnitude reaches 64 ln 2 = 44 b, and beyond that lies a mass of 5·10⁻²⁰.
/// Not hardened against attacks on the gaps between floats (Mironov 2012, doi:10.1145/2382196.2382264, which is about this very sampler).
/// </remarks>
public static class LaplaceNoise
{
    // As for Gaussian noise.
    private const int BlockLength = 4096;

    /// <summary>Overwrites each value with a draw of density e^(−|x|/b)/2b.</summary>
    /// <param name="values">Overwritten, first with random bytes and then, in their place, with what is made of them.</param>
    /// <param name="scale">b, finite and above 0: ε₀ = Δ₁/b for an ℓ₁ sensitivity Δ₁.</param>
    /// <param name="random">Asked for eight bytes a value, a little more for the last ones.</param>
    /// <exception cref="ArgumentOutOfRangeException">b is not finite and above 0.</exception>
    public static void Fill(Span<double> values, double scale, RandomBytes random)
    {
        Positive.Check(scale, nameof(scale), "The scale");
        while (values.Length >= Vector512<double>.Count)
        {
            var length = Math.Min(BlockLength, values.Length / Vector512<double>.Count * Vector512<double>.Count);
            FillWhole(values[..length], scale, random);
            values = values[length..];
        }

        if (values.Length > 0)
        {
            Span<double> rest = stackalloc double[Vector512<double>.Count];
            FillWhole(rest, scale, random);
            rest[..values.Length].CopyTo(values);
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(rest));
        }
    }

    private static void FillWhole(Span<double> values, double scale, RandomBytes random)
    {
        random(MemoryMarshal.AsBytes(values));
        foreach (ref var block in MemoryMarshal.Cast<double, Vector512<double>>(values))
        {
            var bits = block.AsUInt64();
            var whole = Vector512.ConvertToDouble(bits & Vector512.Create(ulong.MaxValue >> 1));
            var uniform = (whole + Vector512.Create(0.5)) * Vector512.Create(Math.ScaleB(1, -63));
            var sign = bits & Vector512.Create(1UL << 63);
            var magnitude = Vector512.Create(-scale) * Vector512.Log(uniform);
            block = (magnitude.AsUInt64() ^ sign).AsDouble();
        }
    }
}
