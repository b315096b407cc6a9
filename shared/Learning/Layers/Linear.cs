using System.Runtime.Intrinsics;
using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;

namespace FlEvents.Learning.Layers;

/// <summary>y = W·x + b, with W of shape [outputs, inputs].</summary>
public sealed class Linear(ModelLayer shape) : Layer(shape)
{
    private readonly int _weights = shape.InputShape[0] * shape.OutputShape[0];

    public override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch)
    {
        var bias = parameters[_weights..];
        MatrixProduct.MultiplyRightTransposed(inputs, parameters[.._weights], outputs, batch, OutputSize, InputSize);
        for (var example = 0; example < batch; example++)
        {
            AddRow(bias, outputs.Slice(example * OutputSize, OutputSize));
        }
    }

    public override void BackwardToInputs(
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<float> inputs,
        ReadOnlySpan<float> outputs,
        ReadOnlySpan<float> outputGradients,
        Span<float> inputGradients,
        int batch) =>
        MatrixProduct.Multiply(outputGradients, parameters[.._weights], inputGradients, batch, InputSize, OutputSize);

    public override void BackwardToParameters(
        ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<float> parameterGradients, int batch)
    {
        MatrixProduct.MultiplyLeftTransposed(outputGradients, inputs, parameterGradients[.._weights], OutputSize, InputSize, batch);
        Columns.Sum(outputGradients, parameterGradients[_weights..], batch);
    }

    private static void AddRow(ReadOnlySpan<float> row, Span<float> to)
    {
        var i = 0;
        for (; i <= to.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            var at = to.Slice(i, Vector256<float>.Count);
            (Vector256.Create<float>(at) + Vector256.Create(row.Slice(i, Vector256<float>.Count))).CopyTo(at);
        }

        for (; i < to.Length; i++)
        {
            to[i] += row[i];
        }
    }
}
