using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Layers;

/// <summary>
/// y = γ·x̂ + β with x̂ = (x − μ)/√(σ² + ε), where μ and σ² (over n, not n − 1) are those of one example's group of channels, ε = 10⁻⁵, and γ (the weight)
/// and β (the bias) belong to a channel.
/// </summary>
/// <remarks>Wu and He 2018, arXiv:1803.08494, eqs. 1–4. No statistic crosses examples, so private training can use it.</remarks>
public sealed class GroupNorm : Layer
{
    private const double Epsilon = 1e-5;

    private readonly int _channels;
    private readonly int _groups;
    private readonly int _pixels;
    private readonly double[] _weightSums;
    private readonly double[] _biasSums;

    /// <summary>μ and 1/√(σ² + ε) of each example's groups, shape [batch, groups].</summary>
    private (double Mean, double Scale)[] _statistics = [];

    public GroupNorm(ModelLayer shape)
        : base(shape)
    {
        _channels = shape.InputShape[0];
        _groups = shape.Groups;
        _pixels = InputSize / _channels;
        _weightSums = new double[_channels];
        _biasSums = new double[_channels];
    }

    private int GroupSize => InputSize / _groups;

    public override void Reserve(int batch)
    {
        if (_statistics.Length < batch * _groups)
        {
            _statistics = new (double, double)[batch * _groups];
        }
    }

    public override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch)
    {
        for (var group = 0; group < batch * _groups; group++)
        {
            var values = inputs.Slice(group * GroupSize, GroupSize);
            var mean = Reductions.Sum(values) / GroupSize;

            // Squares of floats are exact in double, so subtracting μ² loses no digit that a float could hold; rounding alone could go below 0.
            var variance = Math.Max(0, (Reductions.SumOfSquares(values) / GroupSize) - (mean * mean));
            _statistics[group] = (mean, 1 / Math.Sqrt(variance + Epsilon));
        }

        for (var row = 0; row < batch * _channels; row++)
        {
            var channel = row % _channels;
            var (mean, scale) = _statistics[GroupOf(row)];
            var (factor, shift) = (parameters[channel] * scale, parameters[_channels + channel]);
            for (var i = row * _pixels; i < (row + 1) * _pixels; i++)
            {
                outputs[i] = (float)(((inputs[i] - mean) * factor) + shift);
            }
        }
    }

    /// <summary>∂L/∂x = s·(γ·g − mean(γ·g) − x̂·mean(γ·g·x̂)) with s = 1/√(σ² + ε), g = ∂L/∂y and means over the group.</summary>
    public override void BackwardToInputs(
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<float> inputs,
        ReadOnlySpan<float> outputs,
        ReadOnlySpan<float> outputGradients,
        Span<float> inputGradients,
        int batch)
    {
        var channelsPerGroup = _channels / _groups;
        for (var group = 0; group < batch * _groups; group++)
        {
            var (mean, scale) = _statistics[group];
            var (sum, dot) = (0.0, 0.0);
            var first = group * channelsPerGroup;
            for (var row = first; row < first + channelsPerGroup; row++)
            {
                var (gradients, products) = RowSums(inputs, outputGradients, row);
                sum += parameters[row % _channels] * gradients;
                dot += parameters[row % _channels] * products;
            }

            var (sumMean, dotMean) = (sum / GroupSize, dot / GroupSize);
            for (var i = group * GroupSize; i < (group + 1) * GroupSize; i++)
            {
                var normalised = (inputs[i] - mean) * scale;
                var gradient = parameters[i / _pixels % _channels] * (double)outputGradients[i];
                inputGradients[i] = (float)(scale * (gradient - sumMean - (normalised * dotMean)));
            }
        }
    }

    public override void BackwardToParameters(
        ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<float> parameterGradients, int batch)
    {
        _weightSums.AsSpan().Clear();
        _biasSums.AsSpan().Clear();
        for (var row = 0; row < batch * _channels; row++)
        {
            var (gradients, products) = RowSums(inputs, outputGradients, row);
            _weightSums[row % _channels] += products;
            _biasSums[row % _channels] += gradients;
        }

        for (var channel = 0; channel < _channels; channel++)
        {
            parameterGradients[channel] = (float)_weightSums[channel];
            parameterGradients[_channels + channel] = (float)_biasSums[channel];
        }
    }

    /// <summary>
    /// Σ g and Σ g·x̂ over the pixels of one channel of one example, after a <see cref="Forward"/> of the batch; the second as s·(Σ g·x − μ·Σ g).
    /// </summary>
    /// <param name="inputs">The batch's.</param>
    /// <param name="outputGradients">The batch's.</param>
    /// <param name="row">Example × channels + channel.</param>
    internal (double Gradients, double Products) RowSums(ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, int row)
    {
        var (mean, scale) = _statistics[GroupOf(row)];
        var gradient = outputGradients.Slice(row * _pixels, _pixels);
        var sum = Reductions.Sum(gradient);
        return (sum, scale * (Reductions.Dot(gradient, inputs.Slice(row * _pixels, _pixels)) - (mean * sum)));
    }

    private int GroupOf(int row) => row / (_channels / _groups);
}
