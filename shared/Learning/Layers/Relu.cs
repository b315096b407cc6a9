using FlEvents.Learning.Models;

namespace FlEvents.Learning.Layers;

/// <summary>max(x, 0); its derivative at 0 is taken as 0. NaN stays NaN.</summary>
public sealed class Relu(ModelLayer shape) : Layer(shape)
{
    public override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch) =>
        Elementwise.Rectify(inputs, outputs);

    public override void BackwardToInputs(
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<float> inputs,
        ReadOnlySpan<float> outputs,
        ReadOnlySpan<float> outputGradients,
        Span<float> inputGradients,
        int batch) =>
        Elementwise.RectifyGradients(outputs, outputGradients, inputGradients);
}
