using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>What the accountant does where no owner has said anything.</summary>
public record LedgerPolicy
{
    /// <summary>Budgets of ledgers that have none of their own when they are first charged, by unit.</summary>
    public IReadOnlyDictionary<PrivacyUnit, BudgetTerms> Defaults { get; init; } = new Dictionary<PrivacyUnit, BudgetTerms>();
}
