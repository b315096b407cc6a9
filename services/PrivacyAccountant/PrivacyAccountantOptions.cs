using System.ComponentModel.DataAnnotations;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>Section <c>PrivacyAccountant</c>.</summary>
public sealed class PrivacyAccountantOptions
{
    public const string Section = "PrivacyAccountant";

    /// <summary>Folder of the ledger's database, on a local disk; every commit is synced.</summary>
    [Required]
    public string DataFolder { get; set; } = "data/privacy-accountant";

    /// <summary>Budgets of ledgers that have none of their own when they are first charged, by unit: <c>Example</c>, <c>Client</c>.</summary>
    public Dictionary<PrivacyUnit, BudgetTerms> Budgets { get; set; } = [];

    /// <summary>
    /// Accounts (a client's ledger in one privacy unit) that have metrics of their own. Where there are more, only the ten nearest to their budget's end have.
    /// </summary>
    [Range(0, 10000)]
    public int MetricAccounts { get; set; } = 100;

    /// <summary>What is wrong with the options beyond their attributes.</summary>
    public static IEnumerable<string> Check(PrivacyAccountantOptions options) =>
        from budget in options.Budgets
        let defect = budget.Value.Defect
        where defect is not null
        select $"{Section}:Budgets:{budget.Key}: {defect}";
}
