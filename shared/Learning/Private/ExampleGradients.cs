using FlEvents.Contracts;
using FlEvents.Learning.Layers;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Private;

/// <summary>What clipping needs of one layer: each example's squared gradient norm, and then the weighted sum of those gradients.</summary>
/// <remarks>
/// Both are taken from the inputs and output gradients that one forward and one backward pass left behind; shapes as in <see cref="Layer"/>. An instance
/// holds workspace, so it serves one thread at a time. The values that are summed are those whose norm was taken, in double on both sides: what an example
/// adds with weight w has at most norm w·‖gᵢ‖.
/// </remarks>
internal abstract class ExampleGradients(ModelLayer shape)
{
    protected int InputSize { get; } = shape.InputShape.Aggregate(1, (a, b) => a * b);

    protected int OutputSize { get; } = shape.OutputShape.Aggregate(1, (a, b) => a * b);

    /// <summary>Bytes of workspace for each example of a batch.</summary>
    public abstract long BytesPerExample { get; }

    /// <summary>Those of a layer with parameters; null where there are none.</summary>
    public static ExampleGradients? Create(ModelLayer shape, Layer layer) => shape.Kind switch
    {
        LayerKind.Linear => new LinearGradients(shape),
        LayerKind.Conv2d when GramConvolutionGradients.IsCheaper(shape) => new GramConvolutionGradients(shape),
        LayerKind.Conv2d => new KeptConvolutionGradients(shape),
        LayerKind.GroupNorm => new GroupNormGradients(shape, (GroupNorm)layer),
        _ when shape.ParameterCount == 0 => null,
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape.Kind, "Expected a kind of layer that private training knows."),
    };

    /// <summary>Makes room for batches of up to <paramref name="batch"/> examples; the methods below then allocate nothing.</summary>
    public abstract void Reserve(int batch);

    /// <summary>Adds ‖gᵢ‖² of each example, never less than the truth by more than the rounding of a sum in double.</summary>
    /// <param name="inputs">The layer's inputs, shape [batch, InputSize].</param>
    /// <param name="outputGradients">∂ℓᵢ/∂outputs, shape [batch, OutputSize].</param>
    /// <param name="squaredNorms">Shape [batch]. Becomes NaN or ∞ for an example whose gradient is not finite.</param>
    public abstract void AddSquaredNorms(ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, Span<double> squaredNorms);

    /// <summary>Adds Σ wᵢgᵢ over examples that follow one another in a batch, in its order, after <see cref="AddSquaredNorms"/> of the whole batch.</summary>
    /// <param name="first">Place of the first of them in the batch.</param>
    /// <param name="inputs">Theirs, shape [examples, InputSize].</param>
    /// <param name="outputGradients">Theirs, shape [examples, OutputSize].</param>
    /// <param name="weights">wᵢ, shape [examples]; an example of weight 0 adds nothing, whatever its values.</param>
    /// <param name="sums">Shape [parameters of the layer].</param>
    public abstract void AddWeighted(
        int first, ReadOnlySpan<float> inputs, ReadOnlySpan<float> outputGradients, ReadOnlySpan<double> weights, Span<double> sums);
}
