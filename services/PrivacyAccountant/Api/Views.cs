using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>What the data a client has trained on has spent.</summary>
public record ClientLedgersView
{
    public required string ClientId { get; init; }
    public required IReadOnlyList<LedgerView> Ledgers { get; init; }
}

/// <summary>A ledger as the API shows it.</summary>
public record LedgerView
{
    public required Guid LedgerId { get; init; }
    public required LedgerIdentity Ledger { get; init; }
    public required IReadOnlyList<UnitView> Units { get; init; }
}

/// <summary>What a ledger has spent in one privacy unit, over all runs and clients.</summary>
public record UnitView
{
    public required PrivacyUnit Unit { get; init; }

    /// <summary>Entries of the log.</summary>
    public required long Entries { get; init; }

    public required long Reserved { get; init; }
    public required long Committed { get; init; }
    public required long Refunded { get; init; }

    /// <summary>Reserved and committed charges together: <c>unbounded</c>, or <c>0</c> when every charge was refunded.</summary>
    public required string Spent { get; init; }
}
