using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>Whether any finite ε holds.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<PlannedGuarantee>))]
public enum PlannedGuarantee
{
    Unbounded,
    Bounded,
}

/// <summary>A run's privacy in one unit, for the client that is charged most. Budgets do not cut the rounds short here.</summary>
public record UnitPlan
{
    public required PrivacyUnit Unit { get; init; }
    public required PlannedGuarantee Guarantee { get; init; }

    /// <summary>The client that is charged most; the first of several.</summary>
    public required string ClientId { get; init; }

    /// <summary>Its declared examples.</summary>
    public required int Examples { get; init; }

    /// <summary>Rounds it takes part in.</summary>
    public required int Tasks { get; init; }

    /// <summary>What its first task is charged.</summary>
    public required PrivacyCharge Charge { get; init; }

    /// <summary>δ of every ε here: the budget's, or 10⁻⁵ where none is set.</summary>
    public required double Delta { get; init; }

    /// <summary>Rényi order of the ledger's filter; null where unbounded, or in ρ.</summary>
    public required double? Alpha { get; init; }

    /// <summary><c>zcdp</c> where the ledger's filter is in ρ of zCDP; null elsewhere.</summary>
    public required string? Measure { get; init; }

    /// <summary>Some rounds, the first and the last among them; none where unbounded.</summary>
    public required IReadOnlyList<PlannedSpending> Spending { get; init; }

    /// <summary>Null where the run file sets none for the unit.</summary>
    public required PlannedBudget? Budget { get; init; }
}

/// <summary>ε after a round, by each accountant; null where it has no finite bound, or does not apply.</summary>
public record PlannedSpending
{
    public required int Round { get; init; }

    /// <summary>The client's tasks up to this round.</summary>
    public required int Tasks { get; init; }

    /// <summary>As the ledger's filter counts it: valid also when parameters are chosen on the way.</summary>
    public required double? Filter { get; init; }

    /// <summary>Rényi divergences at the best order, for the fixed schedule.</summary>
    public required double? Rdp { get; init; }

    /// <summary>Privacy loss distribution, certified from above, for the fixed schedule.</summary>
    public required double? Pld { get; init; }

    /// <summary>Zero-concentrated differential privacy, which counts sampling as q = 1.</summary>
    public required double? Zcdp { get; init; }
}

/// <summary>A budget of the run file, and how far it goes.</summary>
public record PlannedBudget
{
    /// <summary>ε of the budget; of a budget of ρ, the ε that it comes to at δ.</summary>
    public required double Epsilon { get; init; }

    public required double Delta { get; init; }

    /// <summary>ρ of the budget; null for one of ε.</summary>
    public required double? Rho { get; init; }

    /// <summary>Rounds it admits to a client that takes part in each, by the ledger's filter in the unit's measure; 100000 stands for that many or more.</summary>
    public required int RoundsAdmitted { get; init; }

    /// <summary>The order to fix: the one at which this plan has the most room; null where the plan is unbounded, or the budget is of ρ.</summary>
    public required double? ProposedAlpha { get; init; }

    /// <summary>As <see cref="RoundsAdmitted"/>, at <see cref="ProposedAlpha"/>.</summary>
    public required int? ProposedRounds { get; init; }
}
