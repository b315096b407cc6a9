using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.PrivacyAccountant;

namespace FlEvents.Standalone.Privacy;

/// <summary>What a private run promises, in numbers and in sentences that need no mathematics: for <c>summary.json</c> and the report.</summary>
public record Guarantee
{
    public required PrivacyMode Mode { get; init; }

    /// <summary>The unit that the numbers are about; the report says what holds in the other one.</summary>
    public required PrivacyUnit Unit { get; init; }

    /// <summary>The unit in words, e.g. <c>each example</c>, or <c>all rows with one value of "patient"</c>.</summary>
    public required string UnitText { get; init; }

    public required string Adjacency { get; init; }

    /// <summary>Against whom it holds.</summary>
    public required string Observer { get; init; }

    /// <summary>Who must behave for it to hold.</summary>
    public required IReadOnlyList<string> TrustedParties { get; init; }

    public required string Mechanism { get; init; }

    /// <summary>z = σ/C of the first round.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>C.</summary>
    public required double ClipNorm { get; init; }

    /// <summary>δ that both ε are stated at: the budget's, or 10⁻⁵ where none is set.</summary>
    public required double Delta { get; init; }

    /// <summary>Rényi order of the ledger's filter; null when nothing was charged, or where charges are in ρ.</summary>
    public required double? Alpha { get; init; }

    /// <summary><c>zcdp</c> where the ledger's filter is in ρ of zCDP; null elsewhere.</summary>
    public required string? Measure { get; init; }

    /// <summary>ε by the ledger's filter, of the client that has spent most; all its runs together. Valid also when parameters are chosen on the way.</summary>
    public required double? FilterEpsilon { get; init; }

    /// <summary>ε of the same client for the fixed schedule, certified from above by its privacy loss distribution.</summary>
    public required double? PldEpsilon { get; init; }

    /// <summary>Under local+central: ε of the same client against those who see models and not updates, as <see cref="PldEpsilon"/>; null in other modes.</summary>
    public required double? PublicEpsilon { get; init; }

    /// <summary>ε of the budget, at δ; null where none is set.</summary>
    public required double? BudgetEpsilon { get; init; }

    /// <summary>ρ of the budget; null for one of ε, or where none is set.</summary>
    public required double? BudgetRho { get; init; }

    /// <summary>Smallest share of a budget that is left to a client, in [0, 1]; null where none is set.</summary>
    public required double? LeastLeft { get; init; }

    public required IReadOnlyList<string> Assumptions { get; init; }
    public required IReadOnlyList<string> Protected { get; init; }
    public required IReadOnlyList<string> NotProtected { get; init; }
}

/// <summary>What one client's part of the data has spent, by the ledger: over all runs that ever used it.</summary>
public record ClientSpending
{
    public required string ClientId { get; init; }
    public required PrivacyUnit Unit { get; init; }

    /// <summary>Whether a charge was unbounded.</summary>
    public required bool IsUnbounded { get; init; }

    public required long SpentUnits { get; init; }

    /// <summary>What charges are counted in; null before a bounded charge or a budget fixes it.</summary>
    public required PrivacyMeasure? Measure { get; init; }

    /// <summary>Null where none is set.</summary>
    public required BudgetView? Budget { get; init; }

    /// <summary>Charges that were not given back, and how many of each.</summary>
    public required IReadOnlyList<(PrivacyCharge Charge, long Count)> Charges { get; init; }
}
