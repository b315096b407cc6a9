using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>
/// Command to the PrivacyAccountant: charge a round's cohort before any work is handed out. At most <see cref="Page.LargestSize"/> clients a message, one transaction a
/// message; answered by <see cref="BudgetReserved"/> and, for those left out, <see cref="BudgetRefused"/>.
/// </summary>
public record ReserveBudget
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }

    /// <summary>1 for the cohort; a further attempt is a charged retry.</summary>
    public required int Attempt { get; init; }

    public required IReadOnlyList<ReservationRequest> Clients { get; init; }

    /// <summary>What each of them is charged: one charge per privacy unit, from the server's plan.</summary>
    public required IReadOnlyList<PrivacyCharge> Charges { get; init; }
}

/// <summary>A client and the ledger its data belongs to.</summary>
public record ReservationRequest
{
    public required string ClientId { get; init; }
    public required LedgerIdentity Ledger { get; init; }
}

/// <summary>One mechanism's charge in one privacy unit.</summary>
public record PrivacyCharge
{
    public required PrivacyUnit Unit { get; init; }
    public required PrivacyMechanism Mechanism { get; init; }
}

/// <summary>Whose presence is protected. The two units are never added into one another.</summary>
[JsonConverter(typeof(CamelCaseEnumConverter<PrivacyUnit>))]
public enum PrivacyUnit
{
    Example,
    Client,
}

[JsonConverter(typeof(CamelCaseEnumConverter<PrivacyMechanism>))]
public enum PrivacyMechanism
{
    /// <summary>Nothing is noised: no finite ε holds.</summary>
    Unbounded,
}
