using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>How admitted updates become the next global model.</summary>
public record AggregationSpec
{
    [Description("Aggregation strategy.")]
    public StrategyName Strategy { get; init; } = StrategyName.FedAvg;

    [Description("Weights of the clients' updates: by their training examples, or uniform. Without it, uniform in the modes local and central.")]
    public AggregationWeights? Weights { get; init; }

    [Description("Rounds that an update may be late and still count, in the next round that is planned, with its weight divided by √(1 + rounds late). 0 turns late updates away."), Range(0, 100)]
    public int LateRounds { get; init; }
}

[JsonConverter(typeof(CamelCaseEnumConverter<AggregationWeights>))]
public enum AggregationWeights
{
    Examples,
    Uniform,
}

[JsonConverter(typeof(CamelCaseEnumConverter<StrategyName>))]
public enum StrategyName
{
    /// <summary>Weighted mean of the updates (McMahan et al. 2017, arXiv:1602.05629).</summary>
    FedAvg,
}
