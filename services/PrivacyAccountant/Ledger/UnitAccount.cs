using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>A ledger in one privacy unit.</summary>
public readonly record struct AccountKey(Guid LedgerId, PrivacyUnit Unit);

/// <summary>What a ledger has spent and may spend in one privacy unit.</summary>
public record UnitAccount
{
    /// <summary>What every charge is counted in; fixed by the first bounded charge or the first budget that tells it, null before.</summary>
    public PrivacyMeasure? Measure { get; init; }

    /// <summary>Null while nobody has set one.</summary>
    public BudgetTerms? Budget { get; init; }

    /// <summary>Reserved and committed bounded charges together, in units of 10⁻⁹ of <see cref="Measure"/>.</summary>
    public long Spent { get; init; }

    /// <summary>Reserved and committed charges that are unbounded.</summary>
    public long Unbounded { get; init; }

    /// <summary>The account as its client is told of it.</summary>
    public UnitSpending SpendingIn(PrivacyUnit unit)
    {
        var delta = (Budget ?? BudgetTerms.Assumed).ShownDelta;
        return new UnitSpending
        {
            Unit = unit,
            IsUnbounded = Unbounded > 0,
            Epsilon = Measure is { } measure && Spent > 0 ? Pricing.EpsilonOf(Spent, measure, delta) : null,
            Delta = delta,
            BudgetEpsilon = Budget?.ShownEpsilon,
        };
    }

    /// <summary>Why a budget can't count what the account is charged: it names both measures; null when it can.</summary>
    public string? ConflictWith(BudgetTerms terms) => Measure is not { } measure || terms.IsIn(measure)
        ? null
        : $"A budget of {terms} does not count the ledger's charges, which are in {measure} since its first charge or budget: "
            + $"expected {(measure.Order is null ? "rho" : "epsilon and delta")}.";
}
