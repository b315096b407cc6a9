namespace FlEvents.Contracts;

/// <summary>Event: every charge of the round is final. The model it names may now be shown.</summary>
public record BudgetCommitted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }

    /// <summary>Reservations of the round that are committed.</summary>
    public required int Committed { get; init; }

    public required LedgerReceipt Receipt { get; init; }

    /// <summary>The model that the round was first committed for: no other one of this round may be shown. Null for none.</summary>
    public string? ModelSha256 { get; init; }
}
