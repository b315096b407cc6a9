using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.Learning.Tests.Golden;

/// <summary>What PyTorch computed: <c>pytorch.json</c>, written by <c>bench/golden/make_golden.py</c>.</summary>
public sealed record GoldenValues
{
    public required IReadOnlyList<LayerCase> Layers { get; init; }
    public required IReadOnlyList<LossCase> Losses { get; init; }
    public required IReadOnlyList<TrainingCase> Training { get; init; }

    public static GoldenValues Read() => JsonSerializer.Deserialize<GoldenValues>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "pytorch.json")), JsonSerializerOptions.Web)!;
}

public sealed record LayerCase
{
    public required string Name { get; init; }
    public required int[] InputShape { get; init; }
    public required LayerSpec[] Layers { get; init; }
    public required int Batch { get; init; }
    public required float[] Parameters { get; init; }
    public required float[] Inputs { get; init; }
    public required float[] Outputs { get; init; }
    public required float[] OutputGradients { get; init; }
    public required float[] InputGradients { get; init; }
    public required float[] ParameterGradients { get; init; }

    public override string ToString() => Name;
}

public sealed record LossCase
{
    public required LossKind Loss { get; init; }
    public required float[] Outputs { get; init; }
    public required float[] Labels { get; init; }
    public required double MeanLoss { get; init; }
    public required float[] Gradients { get; init; }
}

public sealed record TrainingCase
{
    public required string Name { get; init; }
    public required int[] InputShape { get; init; }
    public required LayerSpec[] Layers { get; init; }

    [JsonPropertyName("outputs")]
    public required int OutputCount { get; init; }

    public required LossKind Loss { get; init; }
    public required OptimizerKind Optimizer { get; init; }
    public required double LearningRate { get; init; }
    public required double Momentum { get; init; }
    public required double WeightDecay { get; init; }
    public required float[] Inputs { get; init; }
    public required float[] Labels { get; init; }
    public required float[] Start { get; init; }
    public required int[][] Batches { get; init; }
    public required double[] BatchLosses { get; init; }
    public required float[] End { get; init; }
}
