using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Σ xᵢ² or Σ |xᵢ| of a vector that comes in slices, in double with one order of summation everywhere.</summary>
/// <remarks>
/// Element i is added to lane i mod 8, in order of i; the lanes are then added as ((l₀+l₄)+(l₂+l₆)) + ((l₁+l₅)+(l₃+l₇)). So the bits depend on the vector
/// alone: not on the width of the machine's vectors, and not on how it was cut. A square of a float is exact in double and cannot overflow, and the relative
/// error of the sum is below (n/8 + 3)·2⁻⁵³. A sum is finite exactly when every element is.
/// </remarks>
internal struct NormSum
{
    /// <summary>Lengths of all slices but the last are multiples of this.</summary>
    public const int Lanes = 8;

    private Vector256<double> _low;
    private Vector256<double> _high;

    /// <summary>Adds the squares of a slice.</summary>
    public void AddSquares(ReadOnlySpan<float> slice) => Add<Square>(slice);

    /// <summary>Adds the magnitudes of a slice.</summary>
    public void AddMagnitudes(ReadOnlySpan<float> slice) => Add<Magnitude>(slice);

    public readonly double Total =>
        _low[0] + _high[0] + (_low[2] + _high[2]) + (_low[1] + _high[1] + (_low[3] + _high[3]));

    private void Add<TTerm>(ReadOnlySpan<float> slice)
        where TTerm : ITerm
    {
        var (low, high) = (_low, _high);
        var blocks = MemoryMarshal.Cast<float, Vector256<float>>(slice);
        foreach (var block in blocks)
        {
            var (first, second) = Vector256.Widen(block);
            low += TTerm.Of(first);
            high += TTerm.Of(second);
        }

        var rest = slice[(blocks.Length * Lanes)..];
        if (rest.Length > 0)
        {
            // The missing elements as zeros, whose terms change no sum.
            Span<float> padded = stackalloc float[Lanes];
            rest.CopyTo(padded);
            var (first, second) = Vector256.Widen(Vector256.Create<float>(padded));
            low += TTerm.Of(first);
            high += TTerm.Of(second);
        }

        (_low, _high) = (low, high);
    }

    private interface ITerm
    {
        static abstract Vector256<double> Of(Vector256<double> x);
    }

    private readonly struct Square : ITerm
    {
        public static Vector256<double> Of(Vector256<double> x) => x * x;
    }

    private readonly struct Magnitude : ITerm
    {
        public static Vector256<double> Of(Vector256<double> x) => Vector256.Abs(x);
    }
}
