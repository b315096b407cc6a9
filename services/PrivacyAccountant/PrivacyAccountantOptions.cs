using System.ComponentModel.DataAnnotations;

namespace FlEvents.PrivacyAccountant;

/// <summary>Section <c>PrivacyAccountant</c>.</summary>
public sealed class PrivacyAccountantOptions
{
    public const string Section = "PrivacyAccountant";

    /// <summary>Folder of the ledger's database, on a local disk; every commit is synced.</summary>
    [Required]
    public string DataFolder { get; set; } = "data/privacy-accountant";
}
