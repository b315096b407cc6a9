using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Numerics;

/// <summary>Weighted sums of vectors, in double.</summary>
public static class WeightedSums
{
    /// <summary>sᵢ ← fma(w, xᵢ, sᵢ); nothing for a weight of 0, whatever the values.</summary>
    /// <param name="values">x, shape [n].</param>
    /// <param name="weight">w.</param>
    /// <param name="sums">s, shape [n] at least.</param>
    public static void Add(ReadOnlySpan<float> values, double weight, Span<double> sums)
    {
        if (weight == 0)
        {
            return;
        }

        var blocks = MemoryMarshal.Cast<float, Vector256<float>>(values);
        var to = MemoryMarshal.Cast<double, Vector512<double>>(sums);
        var factor = Vector512.Create(weight);
        for (var i = 0; i < blocks.Length; i++)
        {
            var (low, high) = Vector256.Widen(blocks[i]);
            to[i] = Vector512.FusedMultiplyAdd(factor, Vector512.Create(low, high), to[i]);
        }

        for (var i = blocks.Length * Vector256<float>.Count; i < values.Length; i++)
        {
            sums[i] = Math.FusedMultiplyAdd(weight, values[i], sums[i]);
        }
    }

    /// <inheritdoc cref="Add(ReadOnlySpan{float}, double, Span{double})"/>
    public static void Add(ReadOnlySpan<double> values, double weight, Span<double> sums)
    {
        if (weight == 0)
        {
            return;
        }

        var blocks = MemoryMarshal.Cast<double, Vector512<double>>(values);
        var to = MemoryMarshal.Cast<double, Vector512<double>>(sums);
        var factor = Vector512.Create(weight);
        for (var i = 0; i < blocks.Length; i++)
        {
            to[i] = Vector512.FusedMultiplyAdd(factor, blocks[i], to[i]);
        }

        for (var i = blocks.Length * Vector512<double>.Count; i < values.Length; i++)
        {
            sums[i] = Math.FusedMultiplyAdd(weight, values[i], sums[i]);
        }
    }
}
