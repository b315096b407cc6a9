using FlEvents.Learning.Models;

namespace FlEvents.Learning.Layers;

/// <summary>The mean of each window.</summary>
public sealed class AvgPool2d(ModelLayer shape) : Layer(shape)
{
    private readonly Windows _windows = new(shape);

    public override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch)
    {
        for (var example = 0; example < batch; example++)
        {
            var input = inputs.Slice(example * InputSize, InputSize);
            for (var i = 0; i < OutputSize; i++)
            {
                outputs[(example * OutputSize) + i] = MeanOf(input[_windows.First(i)..]);
            }
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
        inputGradients.Clear();
        for (var example = 0; example < batch; example++)
        {
            var gradient = inputGradients.Slice(example * InputSize, InputSize);
            for (var i = 0; i < OutputSize; i++)
            {
                var share = outputGradients[(example * OutputSize) + i] / (_windows.Kernel * _windows.Kernel);
                var window = gradient[_windows.First(i)..];
                for (var y = 0; y < _windows.Kernel; y++)
                {
                    foreach (ref var value in window.Slice(y * _windows.Width, _windows.Kernel))
                    {
                        value += share;
                    }
                }
            }
        }
    }

    /// <summary>Summed in double, line by line.</summary>
    private float MeanOf(ReadOnlySpan<float> window)
    {
        var sum = 0.0;
        for (var y = 0; y < _windows.Kernel; y++)
        {
            foreach (var value in window.Slice(y * _windows.Width, _windows.Kernel))
            {
                sum += value;
            }
        }

        return (float)(sum / (_windows.Kernel * _windows.Kernel));
    }
}
