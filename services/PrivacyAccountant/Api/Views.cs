using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>What the data a client has trained on has spent.</summary>
public record ClientLedgersView
{
    public required string ClientId { get; init; }
    public required IReadOnlyList<LedgerView> Ledgers { get; init; }
}

/// <summary>A ledger as the API shows it.</summary>
public record LedgerView
{
    public required Guid LedgerId { get; init; }
    public required LedgerIdentity Ledger { get; init; }
    public required IReadOnlyList<UnitView> Units { get; init; }
}

/// <summary>What a ledger has spent in one privacy unit, over all runs and clients.</summary>
public record UnitView
{
    public required PrivacyUnit Unit { get; init; }

    /// <summary>Entries of the log.</summary>
    public required long Entries { get; init; }

    public required long Reserved { get; init; }
    public required long Committed { get; init; }
    public required long Refunded { get; init; }

    /// <summary>Reserved and committed charges that are unbounded. A budget covers what came after them only.</summary>
    public required long Unbounded { get; init; }

    /// <summary>Reserved and committed charges together: units of 10⁻⁹ of the measure, or <c>unbounded</c> when one of them is.</summary>
    public required string Spent { get; init; }

    /// <summary>The bounded charges together, in units of 10⁻⁹ of the measure.</summary>
    public required long SpentUnits { get; init; }

    /// <summary>Rényi order of every charge; null before the first bounded charge or budget, and where charges are in ρ.</summary>
    public required double? Alpha { get; init; }

    /// <summary><c>zcdp</c> where every charge is in ρ of zCDP; null elsewhere.</summary>
    public required string? Measure { get; init; }

    /// <summary>Null while there is none.</summary>
    public required BudgetView? Budget { get; init; }
}

/// <summary>A budget and what is left of it.</summary>
public record BudgetView
{
    /// <summary>ε of the budget; of a budget of ρ, the ε that it comes to at <see cref="Delta"/>.</summary>
    public required double Epsilon { get; init; }

    /// <summary>δ of the budget; where a budget of ρ has none, the one at which ε is shown.</summary>
    public required double Delta { get; init; }

    /// <summary>ρ of the budget; null for one of ε.</summary>
    public required double? Rho { get; init; }

    /// <summary>ε at δ of what is spent, as the filter counts it.</summary>
    public required double SpentEpsilon { get; init; }

    /// <summary>All that may be spent, in units of 10⁻⁹ of the account's measure; null before that is fixed.</summary>
    public required long? CapacityUnits { get; init; }

    /// <summary>Share of the budget that is left, in [0, 1]: what decides whether a task is admitted.</summary>
    public required double Left { get; init; }

    internal static BudgetView? Of(UnitAccount account)
    {
        if (account.Budget is not { } terms)
        {
            return null;
        }

        var capacity = account.Measure is { } measure ? terms.In(measure).Capacity : (long?)null;
        return new BudgetView
        {
            Epsilon = terms.ShownEpsilon,
            Delta = terms.ShownDelta,
            Rho = terms.Rho,
            SpentEpsilon = account.Measure is { } countedIn ? Pricing.EpsilonOf(account.Spent, countedIn, terms.ShownDelta) : 0,
            CapacityUnits = capacity,
            Left = capacity switch
            {
                null => 1,
                0 => 0,
                { } all => Math.Clamp(1 - (account.Spent / (double)all), 0, 1),
            },
        };
    }
}

/// <summary>A budget that an owner sets: of ε, with δ and perhaps an order; or of ρ, perhaps with a δ.</summary>
public record BudgetRequest
{
    public required LedgerIdentity Ledger { get; init; }
    public required PrivacyUnit Unit { get; init; }

    /// <summary>ε, above 0.</summary>
    public double? Epsilon { get; init; }

    /// <summary>δ, in (0, 1). Of a budget of ρ, where its ε is shown; 10⁻⁵ without it.</summary>
    public double? Delta { get; init; }

    /// <summary>Rényi order of the filter, above 1. Without it, the one that allows the most of the first charge; kept once it is fixed.</summary>
    public double? Alpha { get; init; }

    /// <summary>ρ of zCDP, above 0.</summary>
    public double? Rho { get; init; }
}

/// <summary>How many more tasks of one kind a ledger's budget allows: by the same integers that admit them.</summary>
public record ForecastView
{
    public required Guid LedgerId { get; init; }

    /// <summary>Null where no budget is set: nothing limits them.</summary>
    public required long? TasksLeft { get; init; }

    /// <summary>What one of them takes, in units of 10⁻⁹ of the account's measure, or of the one that it would fix.</summary>
    public required string Charge { get; init; }

    internal static ForecastView Of(Guid ledgerId, UnitAccount account, PrivacyEvent charged)
    {
        var measure = account.Measure ?? Pricing.MeasureOf(account.Budget ?? BudgetTerms.Assumed, charged);
        var taken = Pricing.ChargeOf(charged, measure);
        return new ForecastView { LedgerId = ledgerId, Charge = Pricing.TextOf(taken), TasksLeft = account.Budget?.In(measure).RoundsLeft(account.Spent, taken) };
    }
}
