using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Numerics;

/// <summary>Sums in double with one order everywhere.</summary>
/// <remarks>
/// Element i is added to lane i mod 8, in order of i; the lanes are then added as ((l₀+l₄)+(l₂+l₆)) + ((l₁+l₅)+(l₃+l₇)). Each addition is one of
/// doubles, so the bits do not depend on the vector width. The relative error is below (n/8 + 3)·2⁻⁵³ of the sum of magnitudes.
/// </remarks>
public static class Reductions
{
    private const int Lanes = 8;

    /// <summary>Σ xᵢ; 0 for no values.</summary>
    public static double Sum(ReadOnlySpan<float> values)
    {
        var low = Vector256<double>.Zero;
        var high = Vector256<double>.Zero;
        var blocks = MemoryMarshal.Cast<float, Vector256<float>>(values);
        foreach (var block in blocks)
        {
            var (first, second) = Vector256.Widen(block);
            low += first;
            high += second;
        }

        Span<double> lanes = stackalloc double[Lanes];
        low.CopyTo(lanes);
        high.CopyTo(lanes[4..]);
        for (var i = blocks.Length * Lanes; i < values.Length; i++)
        {
            lanes[i % Lanes] += values[i];
        }

        return Fold(lanes);
    }

    /// <summary>Σ xᵢ·yᵢ; 0 for no values. The product of two floats is exact in double.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static double Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        if (x.Length != y.Length)
        {
            throw new ArgumentException($"A dot product takes two spans of one length, not {x.Length} and {y.Length} values.", nameof(y));
        }

        var low = Vector256<double>.Zero;
        var high = Vector256<double>.Zero;
        var left = MemoryMarshal.Cast<float, Vector256<float>>(x);
        var right = MemoryMarshal.Cast<float, Vector256<float>>(y);
        for (var i = 0; i < left.Length; i++)
        {
            var (x0, x1) = Vector256.Widen(left[i]);
            var (y0, y1) = Vector256.Widen(right[i]);
            low += x0 * y0;
            high += x1 * y1;
        }

        Span<double> lanes = stackalloc double[Lanes];
        low.CopyTo(lanes);
        high.CopyTo(lanes[4..]);
        for (var i = left.Length * Lanes; i < x.Length; i++)
        {
            lanes[i % Lanes] += (double)x[i] * y[i];
        }

        return Fold(lanes);
    }

    /// <summary>Σ xᵢ², the square of the Euclidean norm; 0 for no values.</summary>
    public static double SumOfSquares(ReadOnlySpan<float> values) => Dot(values, values);

    /// <summary>Σ xᵢ² of doubles; 0 for no values.</summary>
    public static double SumOfSquares(ReadOnlySpan<double> values)
    {
        var low = Vector256<double>.Zero;
        var high = Vector256<double>.Zero;
        var blocks = MemoryMarshal.Cast<double, Vector256<double>>(values);
        var whole = blocks.Length / 2 * 2;
        for (var i = 0; i < whole; i += 2)
        {
            low += blocks[i] * blocks[i];
            high += blocks[i + 1] * blocks[i + 1];
        }

        Span<double> lanes = stackalloc double[Lanes];
        low.CopyTo(lanes);
        high.CopyTo(lanes[4..]);
        for (var i = whole * (Lanes / 2); i < values.Length; i++)
        {
            lanes[i % Lanes] += values[i] * values[i];
        }

        return Fold(lanes);
    }

    private static double Fold(ReadOnlySpan<double> l) => l[0] + l[4] + (l[2] + l[6]) + (l[1] + l[5] + (l[3] + l[7]));
}
