using System.Text.Json.Serialization;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>A budget as its owner states it: (ε, δ), with or without an order α, or ρ, with or without a δ.</summary>
public record BudgetTerms
{
    /// <summary>What is taken for an account without a budget: its order is the best for these, and its ε is shown at their δ.</summary>
    public static BudgetTerms Assumed { get; } = new() { Epsilon = 8, Delta = AssumedDelta };

    private const double AssumedDelta = 1e-5;

    /// <summary>ε, above 0; null for a budget of ρ.</summary>
    public double? Epsilon { get; init; }

    /// <summary>δ, in (0, 1). Of a budget of ρ it says only where ε is shown; 10⁻⁵ without it.</summary>
    public double? Delta { get; init; }

    /// <summary>Rényi order α above 1 of the filter; null to have the first charge choose the one that allows the most of its kind.</summary>
    public double? Alpha { get; init; }

    /// <summary>ρ of zCDP, above 0; null for a budget of ε.</summary>
    public double? Rho { get; init; }

    /// <summary>What is wrong with the terms: it names the value and what was expected; null when nothing is.</summary>
    [JsonIgnore]
    public string? Defect => (Epsilon, Rho) switch
    {
        (null, null) => "there is no epsilon and no rho: give epsilon and delta, or rho.",
        ({ } epsilon, { } rho) => Invariant($"epsilon is {epsilon} and rho is {rho}: give epsilon and delta, or rho."),
        (not (null or > 0 and < double.PositiveInfinity), _) => Invariant($"epsilon is {Epsilon}: it must be finite and above 0."),
        (_, not (null or > 0 and < double.PositiveInfinity)) => Invariant($"rho is {Rho}: it must be finite and above 0."),
        _ when Delta is not (null or > 0 and < 1) => Invariant($"delta is {Delta}: it must be in (0, 1)."),
        ({ } epsilon, null) when Delta is null => Invariant($"epsilon is {epsilon} without a delta: it must have one in (0, 1)."),
        (null, { } rho) when Alpha is not null => Invariant($"alpha is {Alpha} and rho is {rho}: an order belongs to epsilon and delta."),
        _ when Alpha is not (null or > 1 and < double.PositiveInfinity) => Invariant($"alpha is {Alpha}: it must be finite and above 1."),
        _ => null,
    };

    /// <summary>The measure that the terms alone fix; null where the first charge chooses an order.</summary>
    [JsonIgnore]
    public PrivacyMeasure? Measure => Rho is not null ? PrivacyMeasure.Zcdp : Alpha is { } alpha ? PrivacyMeasure.Renyi(alpha) : null;

    /// <summary>δ at which ε is shown.</summary>
    [JsonIgnore]
    public double ShownDelta => Delta ?? AssumedDelta;

    /// <summary>ε of the whole budget at <see cref="ShownDelta"/>.</summary>
    [JsonIgnore]
    public double ShownEpsilon => Epsilon ?? PrivacyMeasure.Zcdp.Epsilon(In(PrivacyMeasure.Zcdp).Capacity, ShownDelta);

    /// <summary>Whether charges in a measure count against these terms.</summary>
    public bool IsIn(PrivacyMeasure measure) => (Rho is null) == (measure is RenyiMeasure);

    /// <summary>The budget whose charges are counted in a measure.</summary>
    /// <exception cref="ArgumentException">The terms are of the other kind (<see cref="IsIn"/>), or have a <see cref="Defect"/>.</exception>
    public PrivacyBudget In(PrivacyMeasure measure) => (measure, this) switch
    {
        (RenyiMeasure renyi, { Epsilon: { } epsilon, Delta: { } delta, Rho: null }) => new BudgetSpec(epsilon, delta, renyi.Alpha),
        (ZcdpMeasure, { Rho: { } rho, Epsilon: null }) => new RhoBudgetSpec(rho),
        _ => throw new ArgumentException($"A budget of {this} does not count charges in {measure}.", nameof(measure)),
    };

    /// <summary>e.g. <c>ε = 8 at δ = 1E-05</c>, or <c>ρ = 0.5</c>.</summary>
    public override string ToString() => Rho is { } rho ? Invariant($"ρ = {rho}") : Invariant($"ε = {Epsilon} at δ = {Delta}");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
