using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Optimizers;

/// <summary>Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1) with L2 weight decay added to the gradient, as PyTorch defines it.</summary>
/// <remarks>β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, and ε is added to √v̂ after the bias correction.</remarks>
public static class Adam
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;

    /// <summary>g ← g + λw; m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − η·m̂/(√v̂ + ε).</summary>
    /// <param name="weights">w, updated in place; shape [P].</param>
    /// <param name="gradients">g, shape [P].</param>
    /// <param name="first">m, updated in place and 0 before the first step; shape [P].</param>
    /// <param name="second">v, updated in place and 0 before the first step; shape [P].</param>
    /// <param name="step">t, 1 at the first step: m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).</param>
    /// <param name="learningRate">η, above 0.</param>
    /// <param name="weightDecay">λ, at least 0.</param>
    public static void Step(
        Span<float> weights,
        ReadOnlySpan<float> gradients,
        Span<float> first,
        Span<float> second,
        int step,
        double learningRate,
        double weightDecay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        var rate = Vector256.Create((float)(-learningRate / (1 - Power(Beta1, step))));
        var root = Vector256.Create((float)Math.Sqrt(1 - Power(Beta2, step)));
        var decay = Vector256.Create((float)weightDecay);
        var w = MemoryMarshal.Cast<float, Vector256<float>>(weights);
        var g = MemoryMarshal.Cast<float, Vector256<float>>(gradients);
        var m = MemoryMarshal.Cast<float, Vector256<float>>(first);
        var v = MemoryMarshal.Cast<float, Vector256<float>>(second);
        for (var i = 0; i < w.Length; i++)
        {
            w[i] = Updated(w[i], g[i], ref m[i], ref v[i], rate, root, decay);
        }

        for (var i = w.Length * Vector256<float>.Count; i < weights.Length; i++)
        {
            // One value in every lane: the same operations as above, so a parameter's bits do not depend on where it stands.
            var (mean, square) = (Vector256.Create(first[i]), Vector256.Create(second[i]));
            weights[i] = Updated(Vector256.Create(weights[i]), Vector256.Create(gradients[i]), ref mean, ref square, rate, root, decay).ToScalar();
            (first[i], second[i]) = (mean.ToScalar(), square.ToScalar());
        }
    }

    private static Vector256<float> Updated(
        Vector256<float> w,
        Vector256<float> g,
        ref Vector256<float> m,
        ref Vector256<float> v,
        Vector256<float> rate,
        Vector256<float> root,
        Vector256<float> decay)
    {
        g = Vector256.FusedMultiplyAdd(decay, w, g);
        m = Vector256.FusedMultiplyAdd(Vector256.Create((float)Beta1), m, Vector256.Create((float)(1 - Beta1)) * g);
        v = Vector256.FusedMultiplyAdd(Vector256.Create((float)Beta2), v, Vector256.Create((float)(1 - Beta2)) * g * g);
        var scale = (Vector256.Sqrt(v) / root) + Vector256.Create((float)Epsilon);
        return Vector256.FusedMultiplyAdd(rate, m / scale, w);
    }

    /// <summary>xⁿ by repeated squaring: products alone, so the same bits everywhere.</summary>
    private static double Power(double x, int n)
    {
        var result = 1.0;
        for (; n > 0; n >>= 1, x *= x)
        {
            result = (n & 1) == 1 ? result * x : result;
        }

        return result;
    }
}
