namespace FlEvents.Contracts;

/// <summary>Event: these clients may not take part in the round, each with its reason; nothing was charged for them.</summary>
public record BudgetRefused
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required int Attempt { get; init; }
    public required IReadOnlyList<ClientRefusal> Refused { get; init; }
}
