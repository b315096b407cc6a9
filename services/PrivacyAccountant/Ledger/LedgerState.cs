using System.Collections.Immutable;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>What the ledger knows when a message arrives: its head, and the round the message is about.</summary>
public record LedgerState
{
    public static LedgerState Empty { get; } = new() { Head = LedgerChain.Empty, Commit = null, Reservations = [], Accounts = [] };

    public required LedgerReceipt Head { get; init; }

    /// <summary>How the round was committed; null while it is open.</summary>
    public required RoundCommit? Commit { get; init; }

    /// <summary>The round's reservations that the message could touch or meet.</summary>
    public required ImmutableDictionary<ReservationKey, Reservation> Reservations { get; init; }

    /// <summary>The accounts that the message could charge or tell of; one that is not here has no entries.</summary>
    public required ImmutableDictionary<AccountKey, UnitAccount> Accounts { get; init; }
}

/// <summary>A round whose charges are final.</summary>
public record RoundCommit
{
    public required Guid RunId { get; init; }
    public required int Round { get; init; }

    /// <summary>Reservations of the round that are committed, each counted once whatever its units.</summary>
    public required int Committed { get; init; }

    /// <summary>The ledger's head after the commit.</summary>
    public required LedgerReceipt Receipt { get; init; }

    /// <summary>The one model that may be shown for it; null for none.</summary>
    public string? ModelSha256 { get; init; }
}

/// <summary>What the ledger does about a message: the state after it, the entries that lead there, and what it answers.</summary>
public record LedgerDecision
{
    public required LedgerState State { get; init; }

    /// <summary>Entries to append, in order; empty when nothing changes.</summary>
    public required IReadOnlyList<LedgerEntry> Entries { get; init; }

    /// <summary>Ledgers of the new reservations, perhaps seen for the first time.</summary>
    public required IReadOnlyList<LedgerIdentity> Ledgers { get; init; }

    /// <summary>Events to publish.</summary>
    public required IReadOnlyList<object> Messages { get; init; }
}
