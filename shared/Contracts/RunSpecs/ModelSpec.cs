using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>A model: one of the named ones, or a list of layers; exactly one of the two.</summary>
public record ModelSpec
{
    [Description("A named model: logistic, mlp or cnn.")]
    public ModelName? Name { get; init; }

    [Description("Widths of the hidden layers of an mlp, which must name them.")]
    public IReadOnlyList<int>? Hidden { get; init; }

    [Description("Layers in order, in place of a name.")]
    public IReadOnlyList<LayerSpec>? Layers { get; init; }

    [Description("Shape of one example: [features] or [channels, height, width].")]
    public required IReadOnlyList<int> InputShape { get; init; }

    [Description("Values the model puts out: classes, or 1 for a binary label or a number."), Range(1, 100000)]
    public required int Outputs { get; init; }

    [Description("Initial weights.")]
    public Initialization Initialization { get; init; } = Initialization.Kaiming;
}

/// <summary>One layer; which of the further properties it takes follows from its kind.</summary>
public record LayerSpec
{
    [Description("Kind of layer.")]
    public required LayerKind Kind { get; init; }

    [Description("Outputs of a linear layer, or channels a convolution puts out."), Range(1, 1000000)]
    public int? Outputs { get; init; }

    [Description("Side of a square kernel or pooling window, in pixels."), Range(1, 1000)]
    public int? Kernel { get; init; }

    [Description("Stride in pixels: 1 for a convolution, the kernel for a pooling."), Range(1, 1000)]
    public int? Stride { get; init; }

    [Description("Zero padding on each side, in pixels, of a convolution."), Range(0, 1000)]
    public int? Padding { get; init; }

    [Description("Groups of a group normalisation; they divide the channels."), Range(1, 100000)]
    public int? Groups { get; init; }
}

[JsonConverter(typeof(CamelCaseEnumConverter<ModelName>))]
public enum ModelName
{
    Logistic,
    Mlp,
    Cnn,
}

[JsonConverter(typeof(CamelCaseEnumConverter<LayerKind>))]
public enum LayerKind
{
    Linear,
    Conv2d,
    MaxPool2d,
    AvgPool2d,
    Flatten,
    Relu,
    Tanh,
    GroupNorm,
}

[JsonConverter(typeof(CamelCaseEnumConverter<Initialization>))]
public enum Initialization
{
    Kaiming,
    Xavier,
}
