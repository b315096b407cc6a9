using System.Text.Json.Serialization;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>A budget as its owner states it.</summary>
public record BudgetTerms
{
    /// <summary>ε, above 0.</summary>
    public required double Epsilon { get; init; }

    /// <summary>δ, in (0, 1).</summary>
    public required double Delta { get; init; }

    /// <summary>Rényi order α above 1 of the filter; null to have the first charge choose the one that allows the most of its kind.</summary>
    public double? Alpha { get; init; }

    /// <summary>What is wrong with the terms: it names the value and what was expected; null when nothing is.</summary>
    [JsonIgnore]
    public string? Defect =>
        !(Epsilon > 0 && double.IsFinite(Epsilon)) ? $"epsilon is {Epsilon}: it must be finite and above 0."
        : !(Delta is > 0 and < 1) ? $"delta is {Delta}: it must be in (0, 1)."
        : Alpha is { } alpha && !(alpha > 1 && double.IsFinite(alpha)) ? $"alpha is {alpha}: it must be finite and above 1."
        : null;

    /// <summary>Units of 10⁻⁹ that may be spent at an order.</summary>
    public long CapacityAt(double alpha) => new BudgetSpec(Epsilon, Delta, alpha).Capacity;
}
