using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Layers;

/// <summary>Activations one value at a time, eight by eight; all spans of a call have one length.</summary>
internal static class Elementwise
{
    /// <summary>max(x, 0); NaN stays NaN.</summary>
    public static void Rectify(ReadOnlySpan<float> x, Span<float> y)
    {
        var from = MemoryMarshal.Cast<float, Vector256<float>>(x);
        var to = MemoryMarshal.Cast<float, Vector256<float>>(y);
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = Vector256.ConditionalSelect(Vector256.LessThanOrEqual(from[i], Vector256<float>.Zero), Vector256<float>.Zero, from[i]);
        }

        for (var i = from.Length * Vector256<float>.Count; i < x.Length; i++)
        {
            y[i] = x[i] <= 0 ? 0 : x[i];
        }
    }

    /// <summary>The gradient where the output y is above 0, else 0.</summary>
    public static void RectifyGradients(ReadOnlySpan<float> y, ReadOnlySpan<float> gradient, Span<float> result)
    {
        var outputs = MemoryMarshal.Cast<float, Vector256<float>>(y);
        var from = MemoryMarshal.Cast<float, Vector256<float>>(gradient);
        var to = MemoryMarshal.Cast<float, Vector256<float>>(result);
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = Vector256.ConditionalSelect(Vector256.LessThanOrEqual(outputs[i], Vector256<float>.Zero), Vector256<float>.Zero, from[i]);
        }

        for (var i = from.Length * Vector256<float>.Count; i < y.Length; i++)
        {
            result[i] = y[i] <= 0 ? 0 : gradient[i];
        }
    }

    /// <summary>gradient·(1 − y²), for the output y = tanh x.</summary>
    public static void TanhGradients(ReadOnlySpan<float> y, ReadOnlySpan<float> gradient, Span<float> result)
    {
        var outputs = MemoryMarshal.Cast<float, Vector256<float>>(y);
        var from = MemoryMarshal.Cast<float, Vector256<float>>(gradient);
        var to = MemoryMarshal.Cast<float, Vector256<float>>(result);
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = from[i] * Vector256.FusedMultiplyAdd(-outputs[i], outputs[i], Vector256<float>.One);
        }

        for (var i = from.Length * Vector256<float>.Count; i < y.Length; i++)
        {
            result[i] = gradient[i] * float.FusedMultiplyAdd(-y[i], y[i], 1f);
        }
    }
}
