using System.ComponentModel;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>How admitted updates become the next global model.</summary>
public record AggregationSpec
{
    [Description("Aggregation strategy.")]
    public StrategyName Strategy { get; init; } = StrategyName.FedAvg;

    [Description("Weights of the clients' updates: by their training examples, or uniform. Without it, uniform in the modes local and central.")]
    public AggregationWeights? Weights { get; init; }
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
