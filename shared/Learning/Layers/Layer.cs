using FlEvents.Contracts;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Layers;

/// <summary>One layer at work on whole batches. It holds workspace of its own, so one instance serves one thread at a time.</summary>
/// <remarks>
/// Shapes: inputs and input gradients [batch, <see cref="InputSize"/>], outputs and output gradients [batch, <see cref="OutputSize"/>], parameters and
/// their gradients [<see cref="ParameterCount"/>], the weight before the bias. What a method writes is overwritten, not added to.
/// <para>The two backward passes are apart, and both work from the batch's inputs and output gradients: so the first layer need not compute input
/// gradients, and private training can take each example's gradient norm from its row of both, scale that row, and then sum.</para>
/// </remarks>
public abstract class Layer(ModelLayer shape)
{
    /// <summary>Values of one example that come in.</summary>
    public int InputSize { get; } = shape.InputShape.Aggregate(1, (a, b) => a * b);

    /// <summary>Values of one example that go out.</summary>
    public int OutputSize { get; } = shape.OutputShape.Aggregate(1, (a, b) => a * b);

    public int ParameterOffset { get; } = shape.ParameterOffset;

    public int ParameterCount { get; } = shape.ParameterCount;

    /// <summary>The layer of a kind; null for flatten, which changes a shape and no value.</summary>
    public static Layer? Create(ModelLayer shape) => shape.Kind switch
    {
        LayerKind.Linear => new Linear(shape),
        LayerKind.Conv2d => new Conv2d(shape),
        LayerKind.MaxPool2d => new MaxPool2d(shape),
        LayerKind.AvgPool2d => new AvgPool2d(shape),
        LayerKind.Relu => new Relu(shape),
        LayerKind.Tanh => new Tanh(shape),
        LayerKind.GroupNorm => new GroupNorm(shape),
        LayerKind.Flatten => null,
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape.Kind, "Expected a known kind of layer."),
    };

    /// <summary>Makes room for batches of up to <paramref name="batch"/> examples; the passes then allocate nothing.</summary>
    public virtual void Reserve(int batch)
    {
    }

    public abstract void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> inputs, Span<float> outputs, int batch);

    /// <summary>∂L/∂inputs, after a <see cref="Forward"/> of the same batch.</summary>
    public abstract void BackwardToInputs(
        ReadOnlySpan<float> parameters,
        ReadOnlySpan<float> inputs,
        ReadOnlySpan<float> outputs,
        ReadOnlySpan<float> outputGradients,
        Span<float> inputGradients,
        int batch);

    /// <summary>∂L/∂parameters summed over the batch in its order, after a <see cref="Forward"/> of the same batch.</summary>
    public virtual void BackwardToParameters(
        ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<float> parameterGradients, int batch)
    {
    }
}
