using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Layers;

/// <summary>tanh x, with derivative 1 − tanh² x.</summary>
public sealed class Tanh(ModelLayer shape) : Layer(shape)
{
    public override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch)
    {
        inputs.CopyTo(outputs);
        Transcendentals.Tanh(outputs);
    }

    public override void BackwardToInputs(
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<float> inputs,
        ReadOnlySpan<float> outputs,
        ReadOnlySpan<float> outputGradients,
        Span<float> inputGradients,
        int batch) =>
        Elementwise.TanhGradients(outputs, outputGradients, inputGradients);
}
