namespace FlEvents.Contracts;

/// <summary>Event: these clients are charged for the round and may be given work.</summary>
public record BudgetReserved
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required int Attempt { get; init; }
    public required IReadOnlyList<string> ClientIds { get; init; }

    /// <summary>The ledger's head, which covers these charges.</summary>
    public LedgerReceipt? Receipt { get; init; }
}
