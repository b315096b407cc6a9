using System.ComponentModel;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>How admitted updates become the next global model.</summary>
public record AggregationSpec
{
    [Description("Aggregation strategy.")]
    public StrategyName Strategy { get; init; } = StrategyName.FedAvg;
}

[JsonConverter(typeof(CamelCaseEnumConverter<StrategyName>))]
public enum StrategyName
{
    /// <summary>Mean of the updates, weighted by training examples (McMahan et al. 2017, arXiv:1602.05629).</summary>
    FedAvg,
}
