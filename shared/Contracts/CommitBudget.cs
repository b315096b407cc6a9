namespace FlEvents.Contracts;

/// <summary>Command to the PrivacyAccountant: every reservation of the round that is still reserved becomes final. Answered by <see cref="BudgetCommitted"/>.</summary>
public record CommitBudget
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }

    /// <summary>Clients that its sender knows to be charged for the round; null where it does not say. A ledger that has fewer has lost entries.</summary>
    public int? Charged { get; init; }

    /// <summary>The one model that the round is committed for, 64 lower-case hexadecimal digits; null when none will be released.</summary>
    public string? ModelSha256 { get; init; }
}
