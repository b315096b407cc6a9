using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>A ledger in one privacy unit.</summary>
public readonly record struct AccountKey(Guid LedgerId, PrivacyUnit Unit);

/// <summary>What a ledger has spent and may spend in one privacy unit.</summary>
public record UnitAccount
{
    /// <summary>Rényi order at which every charge is taken; fixed by the first charge or budget, null before.</summary>
    public double? Alpha { get; init; }

    /// <summary>Null while nobody has set one.</summary>
    public BudgetTerms? Budget { get; init; }

    /// <summary>Reserved and committed charges together, in units of 10⁻⁹ at <see cref="Alpha"/>.</summary>
    public long Spent { get; init; }
}
