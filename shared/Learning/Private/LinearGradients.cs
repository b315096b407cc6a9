using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Private;

/// <summary>
/// A linear layer's gradient for an example with input a and output gradient g is g·aᵀ for the weight and g for the bias, so its squared norm is ‖g‖²·(‖a‖² +
/// 1) (Goodfellow 2015, arXiv:1510.01799), and the weighted sum is one product of matrices.
/// </summary>
internal sealed class LinearGradients(ModelLayer shape) : ExampleGradients(shape)
{
    private readonly WeightedOuterProducts _products = new();

    public override long BytesPerExample => sizeof(double) * (long)OutputSize;

    public override void Reserve(int batch) => _products.Reserve(OutputSize, batch);

    public override void AddSquaredNorms(ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<double> squaredNorms)
    {
        for (var i = 0; i < squaredNorms.Length; i++)
        {
            squaredNorms[i] += Reductions.SumOfSquares(outputGradients.Slice(i * OutputSize, OutputSize))
                * (Reductions.SumOfSquares(inputs.Slice(i * InputSize, InputSize)) + 1);
        }
    }

    public override void AddWeighted(
        int first, ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, ReadOnlySpan<double> weights, Span<double> sums)
    {
        var biases = sums[(OutputSize * InputSize)..];
        _products.Add(outputGradients, OutputSize, 1, inputs, InputSize, 1, weights, sums, OutputSize, InputSize);
        for (var i = 0; i < weights.Length; i++)
        {
            WeightedSums.Add(outputGradients.Slice(i * OutputSize, OutputSize), weights[i], biases);
        }
    }
}
