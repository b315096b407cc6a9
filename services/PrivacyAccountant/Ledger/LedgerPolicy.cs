using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>What the accountant does where no owner has said anything.</summary>
public record LedgerPolicy
{
    /// <summary>Budgets of ledgers that have none of their own when they are first charged, by unit.</summary>
    public IReadOnlyDictionary<PrivacyUnit, BudgetTerms> Defaults { get; init; } = new Dictionary<PrivacyUnit, BudgetTerms>();

    /// <summary>For the order of an account that is charged before it has a budget.</summary>
    public BudgetTerms Assumed { get; init; } = new() { Epsilon = 8, Delta = 1e-5 };
}
