using FlEvents.Learning.Layers;
using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Private;

/// <summary>
/// A convolution's squared norms without its gradients: ‖G·Pᵀ‖² = ⟨PᵀP, GᵀG⟩ over windows (the ghost norm, Li et al. 2022, arXiv:2110.05679), for G output
/// gradients [channels, windows] and P patches [rows, windows]. The gradients are computed once, as they are summed.
/// </summary>
internal sealed class GramConvolutionGradients : ExampleGradients
{
    // Costs in multiply-adds of the engine's products. One in a Gram matrix is scalar and in double; one value kept is written, and read again for the sum.
    private const long GramFactor = 8;
    private const long KeptFactor = 16;

    private readonly Patches _patches;
    private readonly int _channels;
    private readonly float[] _matrix;
    private readonly double[] _patchGram;
    private readonly double[] _gradientGram;
    private readonly double[] _weights;
    private readonly WeightedOuterProducts _products = new();

    public GramConvolutionGradients(ModelLayer shape)
        : base(shape)
    {
        _patches = Patches.Of(shape);
        _channels = shape.OutputShape[0];
        _matrix = new float[_patches.Rows * _patches.Columns];
        _patchGram = new double[_patches.Columns * _patches.Columns];
        _gradientGram = new double[_patchGram.Length];
        _weights = new double[_patches.Columns];
    }

    public override long BytesPerExample => 0;

    /// <summary>Whether the Gram matrices, and a product in double for the sum, cost less than keeping each example's gradient.</summary>
    public static bool IsCheaper(ModelLayer shape)
    {
        var channels = (long)shape.OutputShape[0];
        var windows = (long)shape.OutputShape[1] * shape.OutputShape[2];
        var rows = shape.WeightShape!.Skip(1).Aggregate(1L, (a, b) => a * b);
        var product = channels * rows * windows;
        return (GramFactor * windows * windows * (rows + channels)) + (2 * product) < product + (KeptFactor * channels * rows);
    }

    public override void Reserve(int batch) => _products.Reserve(_channels, _patches.Columns);

    public override void AddSquaredNorms(ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<double> squaredNorms)
    {
        for (var i = 0; i < squaredNorms.Length; i++)
        {
            _patches.Gather(inputs.Slice(i * InputSize, InputSize), _matrix);
            squaredNorms[i] += SquaredNorm(outputGradients.Slice(i * OutputSize, OutputSize));
        }
    }

    public override void AddWeighted(
        int first, ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, ReadOnlySpan<double> weights, Span<double> sums)
    {
        var windows = _patches.Columns;
        var biases = sums[(_channels * _patches.Rows)..];
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0)
            {
                continue;
            }

            _patches.Gather(inputs.Slice(i * InputSize, InputSize), _matrix);
            var gradient = outputGradients.Slice(i * OutputSize, OutputSize);
            _weights.AsSpan().Fill(weights[i]);
            _products.Add(gradient, 1, windows, _matrix, 1, windows, _weights, sums, _channels, _patches.Rows);
            for (var channel = 0; channel < _channels; channel++)
            {
                biases[channel] = Math.FusedMultiplyAdd(weights[i], Reductions.Sum(gradient.Slice(channel * windows, windows)), biases[channel]);
            }
        }
    }

    /// <summary>
    /// ⟨PᵀP, GᵀG⟩ can cancel, so it is raised by a bound of its rounding: each product is within (rows + channels + windows² + 8)·2⁻⁵³ of its magnitudes, and
    /// those sum to at most ‖P‖²‖G‖² (Cauchy–Schwarz). A norm that is too large clips too much, which is safe.
    /// </summary>
    private double SquaredNorm(ReadOnlySpan<float> gradient)
    {
        var windows = _patches.Columns;
        Gram(_matrix, _patches.Rows, windows, _patchGram);
        Gram(gradient, _channels, windows, _gradientGram);
        var (dot, patchTrace, gradientTrace) = (0.0, 0.0, 0.0);
        for (var i = 0; i < windows; i++)
        {
            var row = i * windows;
            patchTrace += _patchGram[row + i];
            gradientTrace += _gradientGram[row + i];
            dot += _patchGram[row + i] * _gradientGram[row + i];
            for (var j = i + 1; j < windows; j++)
            {
                dot += 2 * _patchGram[row + j] * _gradientGram[row + j];
            }
        }

        var terms = (double)_patches.Rows + _channels + (windows * windows) + 8;
        var sum = dot + (terms * Math.ScaleB(1, -52) * patchTrace * gradientTrace);
        for (var channel = 0; channel < _channels; channel++)
        {
            var bias = Reductions.Sum(gradient.Slice(channel * windows, windows));
            sum += bias * bias;
        }

        return sum;
    }

    /// <summary>The upper half of MᵀM for a matrix of shape [rows, columns], in double, row by row of M.</summary>
    private static void Gram(ReadOnlySpan<float> matrix, int rows, int columns, Span<double> gram)
    {
        gram.Clear();
        for (var row = 0; row < rows; row++)
        {
            var values = matrix.Slice(row * columns, columns);
            for (var i = 0; i < columns; i++)
            {
                var to = gram.Slice(i * columns, columns);
                for (var j = i; j < columns; j++)
                {
                    to[j] += (double)values[i] * values[j];
                }
            }
        }
    }
}
