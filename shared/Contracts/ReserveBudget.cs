using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>
/// Command to the PrivacyAccountant: charge a round's cohort before any work is handed out. At most <see cref="Page.LargestCharged"/> clients a message, one transaction a
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

    /// <summary>The newest receipt that its sender was given; null before the first. A ledger that does not hold it has lost entries.</summary>
    public LedgerReceipt? LastReceipt { get; init; }
}

/// <summary>A client, the ledger its data belongs to, and what it is charged.</summary>
public record ReservationRequest
{
    public required string ClientId { get; init; }
    public required LedgerIdentity Ledger { get; init; }

    /// <summary>One charge per privacy unit, from the server's plan.</summary>
    public required IReadOnlyList<PrivacyCharge> Charges { get; init; }

    /// <summary>Name of the key that the client signs its updates with (<see cref="ClientKey"/>); null where it has none.</summary>
    public string? KeySha256 { get; init; }
}

/// <summary>One mechanism's charge in one privacy unit. Parameters the mechanism does not have are null.</summary>
public record PrivacyCharge
{
    public required PrivacyUnit Unit { get; init; }
    public required PrivacyMechanism Mechanism { get; init; }

    /// <summary>z_eff = σ/Δ: the noise's standard deviation over the unit's sensitivity.</summary>
    public double? NoiseMultiplier { get; init; }

    /// <summary>q of Poisson sampling, in (0, 1].</summary>
    public double? SamplingProbability { get; init; }

    /// <summary>Compositions of the mechanism in this charge, at least 1.</summary>
    public long? Steps { get; init; }
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

    /// <summary>One Gaussian release with <see cref="PrivacyCharge.NoiseMultiplier"/>.</summary>
    Gaussian,

    /// <summary>DP-SGD: <see cref="PrivacyCharge.Steps"/> Gaussian releases, each over a Poisson sample.</summary>
    SubsampledGaussian,
}
