using FlEvents.Learning.Layers;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Private;

/// <summary>A group normalisation's gradient for each example: Σ g·x̂ and Σ g over the pixels of each channel, kept until it is summed.</summary>
internal sealed class GroupNormGradients(ModelLayer shape, GroupNorm layer) : ExampleGradients(shape)
{
    private readonly int _channels = shape.InputShape[0];

    /// <summary>Shape [batch, 2 × channels], the weights' before the biases'.</summary>
    private double[] _gradients = [];

    public override long BytesPerExample => 2L * _channels * sizeof(double);

    public override void Reserve(int batch)
    {
        if (_gradients.Length < batch * 2 * _channels)
        {
            _gradients = new double[batch * 2 * _channels];
        }
    }

    public override void AddSquaredNorms(ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<double> squaredNorms)
    {
        for (var i = 0; i < squaredNorms.Length; i++)
        {
            var gradient = _gradients.AsSpan(i * 2 * _channels, 2 * _channels);
            for (var channel = 0; channel < _channels; channel++)
            {
                var (biasGradient, weightGradient) = layer.RowSums(inputs, outputGradients, (i * _channels) + channel);
                (gradient[channel], gradient[_channels + channel]) = (weightGradient, biasGradient);
                squaredNorms[i] += (weightGradient * weightGradient) + (biasGradient * biasGradient);
            }
        }
    }

    public override void AddWeighted(
        int first, ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, ReadOnlySpan<double> weights, Span<double> sums)
    {
        for (var i = 0; i < weights.Length; i++)
        {
            for (var j = 0; j < 2 * _channels && weights[i] != 0; j++)
            {
                sums[j] = Math.FusedMultiplyAdd(weights[i], _gradients[((first + i) * 2 * _channels) + j], sums[j]);
            }
        }
    }
}
