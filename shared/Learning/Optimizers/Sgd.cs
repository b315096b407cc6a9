using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Optimizers;

/// <summary>Stochastic gradient descent with momentum and L2 weight decay, as PyTorch defines it (no dampening, no Nesterov).</summary>
public static class Sgd
{
    /// <summary>g ← g + λw; v ← μv + g; w ← w − ηv.</summary>
    /// <param name="weights">w, updated in place; shape [P].</param>
    /// <param name="gradients">g, shape [P].</param>
    /// <param name="velocity">v, updated in place and 0 before the first step; shape [P], or empty for no momentum.</param>
    /// <param name="learningRate">η, above 0.</param>
    /// <param name="momentum">μ in [0, 1).</param>
    /// <param name="weightDecay">λ, at least 0.</param>
    public static void Step(
        Span<float> weights, ReadOnlySpan<float> gradients, Span<float> velocity, double learningRate, double momentum, double weightDecay)
    {
        var (rate, decay, keep) = ((float)-learningRate, (float)weightDecay, (float)momentum);
        var w = MemoryMarshal.Cast<float, Vector256<float>>(weights);
        var g = MemoryMarshal.Cast<float, Vector256<float>>(gradients);
        var v = MemoryMarshal.Cast<float, Vector256<float>>(velocity);
        for (var i = 0; i < w.Length; i++)
        {
            var step = Vector256.FusedMultiplyAdd(Vector256.Create(decay), w[i], g[i]);
            if (v.Length > 0)
            {
                step = v[i] = Vector256.FusedMultiplyAdd(Vector256.Create(keep), v[i], step);
            }

            w[i] = Vector256.FusedMultiplyAdd(Vector256.Create(rate), step, w[i]);
        }

        for (var i = w.Length * Vector256<float>.Count; i < weights.Length; i++)
        {
            var step = float.FusedMultiplyAdd(decay, weights[i], gradients[i]);
            if (velocity.Length > 0)
            {
                step = velocity[i] = float.FusedMultiplyAdd(keep, velocity[i], step);
            }

            weights[i] = float.FusedMultiplyAdd(rate, step, weights[i]);
        }
    }
}
