using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>One run: what is learned, by whom and under which promises. The <c>run</c> part of a run file, and the body of <c>POST /runs</c>.</summary>
public record RunSpec
{
    [Description("Name shown to people."), StringLength(100, MinimumLength = 1)]
    public required string Name { get; init; }

    [Description("Seed of initial weights, cohorts and non-private batches."), Range(0L, 9007199254740991L)]
    public long Seed { get; init; } = 1;

    [Description("Rounds to run."), Range(1, 100000)]
    public required int Rounds { get; init; }

    [Description("What is learned.")]
    public required ModelSpec Model { get; init; }

    [Description("The data set and how its values become numbers.")]
    public required DataSpec Data { get; init; }

    [Description("Local training.")]
    public required TrainingSpec Training { get; init; }

    [Description("How clients are chosen and how long a round waits for them.")]
    public SelectionSpec Selection { get; init; } = new();

    [Description("How updates become the next global model.")]
    public AggregationSpec Aggregation { get; init; } = new();

    [Description("What is protected, and from whom.")]
    public PrivacySpec Privacy { get; init; } = new();

    [Description("How the global model is scored.")]
    public EvaluationSpec Evaluation { get; init; } = new();

    [Description("Which updates the Aggregator keeps once their round is final.")]
    public KeepUpdates KeepUpdates { get; init; } = KeepUpdates.None;

    /// <summary>Whether every admitted update weighs the same.</summary>
    [JsonIgnore]
    public bool HasUniformWeights =>
        (Aggregation.Weights ?? (Privacy.HasLocal || Privacy.HasCentral ? AggregationWeights.Uniform : AggregationWeights.Examples)) == AggregationWeights.Uniform;
}

/// <summary>Which non-private updates stay in the update store after their round.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<KeepUpdates>))]
public enum KeepUpdates
{
    None,
    All,
}
