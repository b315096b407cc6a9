namespace FlEvents.Contracts;

/// <summary>Command to the PrivacyAccountant: every reservation of the round that is still reserved becomes final. Answered by <see cref="BudgetCommitted"/>.</summary>
public record CommitBudget
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
}
