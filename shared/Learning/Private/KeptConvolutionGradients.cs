using FlEvents.Learning.Layers;
using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Private;

/// <summary>
/// A convolution's gradient for each example, G·Pᵀ and the row sums of G (G output gradients [channels, windows], P patches [rows, windows]), computed once
/// and kept until it is summed.
/// </summary>
internal sealed class KeptConvolutionGradients : ExampleGradients
{
    private readonly Patches _patches;
    private readonly int _channels;
    private readonly float[] _matrix;

    /// <summary>Shape [batch, parameters].</summary>
    private float[] _gradients = [];

    public KeptConvolutionGradients(ModelLayer shape)
        : base(shape)
    {
        _patches = Patches.Of(shape);
        _channels = shape.OutputShape[0];
        _matrix = new float[_patches.Rows * _patches.Columns];
    }

    public override long BytesPerExample => sizeof(float) * (long)Parameters;

    private int Parameters => _channels * (_patches.Rows + 1);

    public override void Reserve(int batch)
    {
        if (_gradients.Length < checked(batch * Parameters))
        {
            _gradients = new float[batch * Parameters];
        }
    }

    public override void AddSquaredNorms(ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<double> squaredNorms)
    {
        var windows = _patches.Columns;
        for (var i = 0; i < squaredNorms.Length; i++)
        {
            _patches.Gather(inputs.Slice(i * InputSize, InputSize), _matrix);
            var outputGradient = outputGradients.Slice(i * OutputSize, OutputSize);
            var gradient = _gradients.AsSpan(i * Parameters, Parameters);
            MatrixProduct.MultiplyRightTransposed(outputGradient, _matrix, gradient, _channels, _patches.Rows, windows);
            var biases = gradient[(_channels * _patches.Rows)..];
            for (var channel = 0; channel < _channels; channel++)
            {
                biases[channel] = (float)Reductions.Sum(outputGradient.Slice(channel * windows, windows));
            }

            squaredNorms[i] += Reductions.SumOfSquares(gradient);
        }
    }

    public override void AddWeighted(
        int first, ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, ReadOnlySpan<double> weights, Span<double> sums)
    {
        // Part by part, so that the sums stay in the first-level cache while the examples pass by.
        const int Part = 2048;
        for (var start = 0; start < Parameters; start += Part)
        {
            var length = Math.Min(Part, Parameters - start);
            for (var i = 0; i < weights.Length; i++)
            {
                WeightedSums.Add(_gradients.AsSpan(((first + i) * Parameters) + start, length), weights[i], sums.Slice(start, length));
            }
        }
    }
}
