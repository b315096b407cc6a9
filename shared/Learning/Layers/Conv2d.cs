using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Layers;

/// <summary>Cross-correlation with a square kernel, plus a bias per channel; weight [outputs, inputs, kernel, kernel].</summary>
/// <remarks>
/// One example at a time: its windows become the columns of a matrix, so that each pass is a matrix product whose lanes lie over pixels. The workspace
/// is that of one example, whatever the batch.
/// </remarks>
public sealed class Conv2d : Layer
{
    private readonly Patches _patches;
    private readonly int _channels;
    private readonly int _weights;
    private readonly double[] _biasSums;
    private float[] _matrix = [];

    public Conv2d(ModelLayer shape)
        : base(shape)
    {
        _patches = Patches.Of(shape);
        _channels = shape.OutputShape[0];
        _weights = _channels * _patches.Rows;
        _biasSums = new double[_channels];
    }

    public override void Reserve(int batch)
    {
        if (_matrix.Length == 0)
        {
            _matrix = new float[_patches.Rows * _patches.Columns];
        }
    }

    public override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch)
    {
        var bias = parameters[_weights..];
        for (var example = 0; example < batch; example++)
        {
            _patches.Gather(inputs.Slice(example * InputSize, InputSize), _matrix);
            var output = outputs.Slice(example * OutputSize, OutputSize);
            for (var channel = 0; channel < _channels; channel++)
            {
                output.Slice(channel * _patches.Columns, _patches.Columns).Fill(bias[channel]);
            }

            MatrixProduct.Multiply(parameters[.._weights], _matrix, output, _channels, _patches.Columns, _patches.Rows, accumulate: true);
        }
    }

    public override void BackwardToInputs(
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<float> inputs,
        ReadOnlySpan<float> outputs,
        ReadOnlySpan<float> outputGradients,
        Span<float> inputGradients,
        int batch)
    {
        for (var example = 0; example < batch; example++)
        {
            var gradient = outputGradients.Slice(example * OutputSize, OutputSize);
            MatrixProduct.MultiplyLeftTransposed(parameters[.._weights], gradient, _matrix, _patches.Rows, _patches.Columns, _channels);
            _patches.Scatter(_matrix, inputGradients.Slice(example * InputSize, InputSize));
        }
    }

    public override void BackwardToParameters(
        ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<float> parameterGradients, int batch)
    {
        _biasSums.AsSpan().Clear();
        var weightGradients = parameterGradients[.._weights];
        for (var example = 0; example < batch; example++)
        {
            _patches.Gather(inputs.Slice(example * InputSize, InputSize), _matrix);
            var gradient = outputGradients.Slice(example * OutputSize, OutputSize);
            MatrixProduct.MultiplyRightTransposed(
                gradient, _matrix, weightGradients, _channels, _patches.Rows, _patches.Columns, accumulate: example > 0);
            for (var channel = 0; channel < _channels; channel++)
            {
                _biasSums[channel] += Reductions.Sum(gradient.Slice(channel * _patches.Columns, _patches.Columns));
            }
        }

        for (var channel = 0; channel < _channels; channel++)
        {
            parameterGradients[_weights + channel] = (float)_biasSums[channel];
        }
    }
}
