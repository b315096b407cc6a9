namespace FlEvents.Contracts;

/// <summary>Event: every charge of the round is final. A model made from it may now be shown.</summary>
public record BudgetCommitted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }

    /// <summary>Reservations of the round that are committed.</summary>
    public required int Committed { get; init; }

    public required LedgerReceipt Receipt { get; init; }
}
