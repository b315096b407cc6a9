using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;

namespace FlEvents.Standalone.Privacy;

/// <summary>What a run file comes to before anything of it runs: privacy, traffic and time. Everyone is taken to answer.</summary>
public record RunPlan
{
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public required string Name { get; init; }
    public required PrivacyMode Mode { get; init; }
    public required int Rounds { get; init; }
    public required int Clients { get; init; }

    /// <summary>Column whose values are the privacy units, each of which counts as one example; null where each row is one.</summary>
    public required string? PrivacyUnitColumn { get; init; }

    /// <summary>Examples of the client with the fewest, and of the one with the most.</summary>
    public required int FewestExamples { get; init; }

    public required int MostExamples { get; init; }

    /// <summary>Most tasks of a round.</summary>
    public required int Cohort { get; init; }

    /// <summary>Whether the rounds of each client are those its seed draws; else each client is taken to be in every round, which charges it no less.</summary>
    public required bool CohortsAreDrawn { get; init; }

    /// <summary>How the run ends by its budgets: <c>completed</c>, <c>budgetExhausted</c>, or <c>abandoned</c> when too few tasks are admitted.</summary>
    [JsonConverter(typeof(CamelCaseEnumConverter<RunState>))]
    public required RunState Ending { get; init; }

    /// <summary>Rounds that the budgets admit.</summary>
    public required int RoundsDone { get; init; }

    /// <summary>Clients that a budget leaves out at some round.</summary>
    public required int ClientsLeftOut { get; init; }

    public required IReadOnlyList<UnitPlan> Units { get; init; }
    public required TrafficPlan Traffic { get; init; }
    public required TimePlan Time { get; init; }
}

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

/// <summary>Model bytes to the clients and update bytes from them, as the run counts them.</summary>
public record TrafficPlan
{
    public required long ModelBytes { get; init; }
    public required long DownPerRound { get; init; }
    public required long UpPerRound { get; init; }

    /// <summary>Over the rounds that the budgets admit.</summary>
    public required long Down { get; init; }

    public required long Up { get; init; }
}

/// <summary>An estimate of the time that local training takes.</summary>
public record TimePlan
{
    /// <summary>One client's local round, as measured in this process; of a client with the mean number of examples.</summary>
    public required double TaskSeconds { get; init; }

    /// <summary>Tasks at the same time.</summary>
    public required int Workers { get; init; }

    public required double RoundSeconds { get; init; }

    /// <summary>Over the rounds that the budgets admit.</summary>
    public required double RunSeconds { get; init; }
}
