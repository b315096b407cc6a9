using FlEvents.Contracts;

namespace FlEvents.Learning.Models;

/// <summary>One layer with everything filled in: shapes without the batch dimension, defaults and tensors.</summary>
public sealed record ModelLayer
{
    public required LayerKind Kind { get; init; }

    /// <summary>[features] or [channels, height, width].</summary>
    public required IReadOnlyList<int> InputShape { get; init; }

    /// <summary>[features] or [channels, height, width].</summary>
    public required IReadOnlyList<int> OutputShape { get; init; }

    /// <summary>Side of the kernel or window in pixels; 0 where the kind has none.</summary>
    public int Kernel { get; init; }

    /// <summary>Pixels; 0 where the kind has none.</summary>
    public int Stride { get; init; }

    /// <summary>Pixels on each side.</summary>
    public int Padding { get; init; }

    /// <summary>Groups of a group normalisation; 0 where the kind has none.</summary>
    public int Groups { get; init; }

    /// <summary>Shape of the weight; null where the kind has no parameters. The bias is [outputs] or [channels].</summary>
    public IReadOnlyList<int>? WeightShape { get; init; }

    /// <summary>First parameter in the model's vector: the weight, then the bias.</summary>
    public int ParameterOffset { get; init; }

    /// <summary>Parameters of weight and bias together.</summary>
    public int ParameterCount => WeightShape is null ? 0 : checked(WeightShape.Aggregate(1, (a, b) => a * b) + WeightShape[0]);

    public override string ToString() =>
        $"{Kind}({string.Join('×', InputShape)}→{string.Join('×', OutputShape)},{Kernel},{Stride},{Padding},{Groups})";
}
