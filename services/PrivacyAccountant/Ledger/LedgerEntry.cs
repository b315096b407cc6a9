using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>One line of the append-only log, chained to the line before: what happened to a reservation, or a budget that was set.</summary>
public record LedgerEntry
{
    /// <summary>Dense from 1.</summary>
    public required long Sequence { get; init; }

    public required EntryKind Kind { get; init; }

    /// <summary>The reservation; this and whose it is are null where a budget was set.</summary>
    public required Guid? ReservationId { get; init; }

    public required Guid LedgerId { get; init; }
    public required PrivacyUnit Unit { get; init; }
    public required Guid? RunId { get; init; }
    public required int? Round { get; init; }
    public required string? ClientId { get; init; }
    public required int? Attempt { get; init; }

    /// <summary>The charge as the plan stated it, <see cref="PrivacyCharge"/> as JSON; or the budget, <see cref="BudgetTerms"/>.</summary>
    public required string Event { get; init; }

    /// <summary>What the event takes from a budget: units of 10⁻⁹ at <see cref="Alpha"/>, or <see cref="Pricing.Unbounded"/>; null where a budget was set.</summary>
    public required string? Charge { get; init; }

    /// <summary>Rényi order of the charge, or of the budget; null for an unbounded charge.</summary>
    public required double? Alpha { get; init; }

    /// <summary>Version of the accountant that computed the charge; null where there was nothing to compute.</summary>
    public required string? Accountant { get; init; }

    /// <summary>A refund's proof, e.g. <c>NOT_DISPATCHED</c>, or the hash of a further output; null for other entries.</summary>
    public required string? Reason { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Hash of the entry before, 64 lower-case hexadecimal digits; 64 zeros before the first.</summary>
    public required string PreviousHash { get; init; }

    /// <summary>SHA-256 of the previous hash's 32 bytes and this entry's canonical text.</summary>
    public required string Hash { get; init; }
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
}
