using FlEvents.Learning.Models;

namespace FlEvents.Learning.Layers;

/// <summary>The largest value of each window; of equal ones the first in row-major order, which alone receives the gradient. NaN counts as largest.</summary>
public sealed class MaxPool2d(ModelLayer shape) : Layer(shape)
{
    private readonly Windows _windows = new(shape);

    /// <summary>Where each output came from: its index in the example's input, shape [batch, OutputSize].</summary>
    private int[] _sources = [];

    public override void Reserve(int batch)
    {
        if (_sources.Length < batch * OutputSize)
        {
            _sources = new int[batch * OutputSize];
        }
    }

    public override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch)
    {
        for (var example = 0; example < batch; example++)
        {
            var input = inputs.Slice(example * InputSize, InputSize);
            for (var i = 0; i < OutputSize; i++)
            {
                var at = example * OutputSize;
                _sources[at + i] = LargestOf(input, _windows.First(i));
                outputs[at + i] = input[_sources[at + i]];
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
            for (var i = example * OutputSize; i < (example + 1) * OutputSize; i++)
            {
                gradient[_sources[i]] += outputGradients[i];
            }
        }
    }

    private int LargestOf(ReadOnlySpan<float> input, int first)
    {
        var largest = first;
        for (var y = 0; y < _windows.Kernel; y++)
        {
            for (var x = 0; x < _windows.Kernel; x++)
            {
                var at = first + (y * _windows.Width) + x;
                if (input[at] > input[largest] || float.IsNaN(input[at]))
                {
                    largest = at;
                }
            }
        }

        return largest;
    }
}
