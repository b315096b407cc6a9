using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>Local training of one client in one round.</summary>
public record TrainingSpec
{
    [Description("Loss, averaged over the batch.")]
    public LossKind Loss { get; init; } = LossKind.CrossEntropy;

    [Description("Client optimizer.")]
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    [Description("Step size."), Range(1e-12, 1e6)]
    public required double LearningRate { get; init; }

    [Description("Momentum of SGD."), Range(0.0, 0.9999)]
    public double Momentum { get; init; }

    [Description("L2 weight decay, added to the gradient."), Range(0.0, 100.0)]
    public double WeightDecay { get; init; }

    [Description("Examples in a batch; privacy units in the modes with example, where data.privacyUnitColumn names them."), Range(1, 100000)]
    public required int BatchSize { get; init; }

    [Description("Passes over the client's training examples."), Range(1, 1000)]
    public int LocalEpochs { get; init; } = 1;

    [Description("Share of a client's examples kept for validation."), Range(0.0, 0.9)]
    public double ValidationFraction { get; init; }
}

[JsonConverter(typeof(CamelCaseEnumConverter<LossKind>))]
public enum LossKind
{
    /// <summary>Softmax cross-entropy over the model's outputs.</summary>
    CrossEntropy,

    /// <summary>Binary cross-entropy of the sigmoid of one output.</summary>
    BinaryCrossEntropy,

    /// <summary>Mean squared error over the outputs.</summary>
    MeanSquaredError,
}

[JsonConverter(typeof(CamelCaseEnumConverter<OptimizerKind>))]
public enum OptimizerKind
{
    Sgd,
    Adam,
}
