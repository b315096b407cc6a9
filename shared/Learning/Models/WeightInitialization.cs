using FlEvents.Contracts;
using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Models;

/// <summary>Initial weights, drawn uniformly from [−b, b).</summary>
/// <remarks>
/// Kaiming: b = √(6 / fan in) (He et al. 2015, arXiv:1502.01852, eq. 10, for ReLU). Xavier: b = √(6 / (fan in + fan out)) (Glorot and Bengio 2010, eq. 16).
/// For a linear layer the fans are its inputs and outputs, for a convolution input and output channels times kernel². Biases start at 0, the weight
/// of a group normalisation at 1. Each tensor has a stream of its own; sums, products, a quotient and a root in double are exactly rounded, so every
/// machine draws the same bits.
/// </remarks>
internal static class WeightInitialization
{
    public static float[] Draw(IReadOnlyList<ModelLayer> layers, ModelLayout layout, Initialization initialization, long seed)
    {
        var weights = new float[layout.Length];
        foreach (var tensor in layout.Tensors.Where(tensor => tensor.Name.EndsWith(".weight", StringComparison.Ordinal)))
        {
            var slice = weights.AsSpan(tensor.Offset, tensor.Length);
            if (layers.Single(layer => layer.WeightShape is not null && layer.ParameterOffset == tensor.Offset).Kind == LayerKind.GroupNorm)
            {
                slice.Fill(1f);
                continue;
            }

            var bound = Bound(tensor.Shape, initialization);
            var random = SeededRandom.Derive(seed, "init", tensor.Name);
            foreach (ref var weight in slice)
            {
                weight = (float)(bound * ((2 * random.NextDouble()) - 1));
            }
        }

        return weights;
    }

    private static double Bound(IReadOnlyList<int> shape, Initialization initialization)
    {
        var pixels = shape.Skip(2).Aggregate(1.0, (a, b) => a * b);
        var fanOut = shape[0] * pixels;
        var fanIn = shape[1] * pixels;
        return initialization switch
        {
            Initialization.Kaiming => Math.Sqrt(6 / fanIn),
            Initialization.Xavier => Math.Sqrt(6 / (fanIn + fanOut)),
            _ => throw new ArgumentOutOfRangeException(nameof(initialization), initialization, "Expected kaiming or xavier."),
        };
    }
}
