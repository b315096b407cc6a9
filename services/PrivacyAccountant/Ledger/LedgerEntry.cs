using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>One line of the append-only log, chained to the line before: what happened to a reservation, a budget that was set, or what befell the log.</summary>
public record LedgerEntry
{
    /// <summary>Dense from 1.</summary>
    public required long Sequence { get; init; }

    public required EntryKind Kind { get; init; }

    /// <summary>The reservation; this and whose it is are null in other entries.</summary>
    public required Guid? ReservationId { get; init; }

    /// <summary>The ledger; this and the unit are null in entries of the whole log: of its quarantines.</summary>
    public required Guid? LedgerId { get; init; }

    public required PrivacyUnit? Unit { get; init; }
    public required Guid? RunId { get; init; }
    public required int? Round { get; init; }
    public required string? ClientId { get; init; }
    public required int? Attempt { get; init; }

    /// <summary>The charge as the plan stated it, <see cref="PrivacyCharge"/> as JSON; or the budget, <see cref="BudgetTerms"/>; or what befell the log.</summary>
    public required string Event { get; init; }

    /// <summary>What the event takes from a budget: units of 10⁻⁹ of its measure, or <see cref="Pricing.Unbounded"/>; null where nothing was charged.</summary>
    public required string? Charge { get; init; }

    /// <summary>Rényi order of the charge, or of the budget; null where it has none.</summary>
    public required double? Alpha { get; init; }

    /// <summary><c>zcdp</c> where the charge or the budget is in ρ of zCDP; null elsewhere.</summary>
    public string? Measure { get; init; }

    /// <summary>Version of the accountant that computed the charge; null where there was nothing to compute.</summary>
    public required string? Accountant { get; init; }

    /// <summary>
    /// A refund's proof, e.g. <c>NOT_DISPATCHED</c>; the hash of a further output; the hash of the model that a charge was committed for; <see cref="LedgerReason"/>;
    /// null where there is none.
    /// </summary>
    public required string? Reason { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Hash of the entry before, 64 lower-case hexadecimal digits; 64 zeros before the first.</summary>
    public required string PreviousHash { get; init; }

    /// <summary>SHA-256 of the previous hash's 32 bytes and this entry's canonical text.</summary>
    public required string Hash { get; init; }

    /// <summary>What the charge or the budget is counted in; null for an unbounded charge, or a budget that the first charge gives its order.</summary>
    /// <exception cref="FormatException">The entry's measure and order stand for none.</exception>
    [JsonIgnore]
    public PrivacyMeasure? CountedIn => PrivacyMeasure.Of(Measure, Alpha);

    /// <summary>The account that is charged or given a budget; null in entries of the whole log.</summary>
    [JsonIgnore]
    public AccountKey? Account => LedgerId is { } ledgerId && Unit is { } unit ? new AccountKey(ledgerId, unit) : null;
}

[JsonConverter(typeof(CamelCaseEnumConverter<EntryKind>))]
public enum EntryKind
{
    /// <summary>A charge before any work is handed out.</summary>
    Reserve,

    /// <summary>The charge is permanent.</summary>
    Commit,

    /// <summary>The charge is given back: it is proved that nothing left the client.</summary>
    Refund,

    /// <summary>A budget was set, or changed.</summary>
    Budget,

    /// <summary>The log may lack entries: nothing is charged until they are found.</summary>
    Quarantine,

    /// <summary>Receipts of entries that are gone; what they covered was entered anew before.</summary>
    Reconcile,

    /// <summary>The end of a quarantine.</summary>
    Release,
}

/// <summary>Reasons of entries around a quarantine.</summary>
public static class LedgerReason
{
    /// <summary>Of a quarantine: the database is a copy.</summary>
    public const string Restored = "RESTORED";

    /// <summary>Of a quarantine: somebody holds a receipt of an entry that is not there.</summary>
    public const string ReceiptMissing = "RECEIPT_MISSING";

    /// <summary>Of a quarantine: a round is to be committed for clients of whom no charge is there.</summary>
    public const string ChargesMissing = "CHARGES_MISSING";

    /// <summary>Of a charge: it was made before, and lost. Of a release: everything that anyone knows of is there again.</summary>
    public const string Reconciled = "RECONCILED";

    /// <summary>Begins the reason of a release that a person has decided on; their own words follow.</summary>
    public const string Accepted = "ACCEPTED: ";
}
