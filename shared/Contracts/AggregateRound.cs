namespace FlEvents.Contracts;

/// <summary>
/// Command to the Aggregator: freeze the admitted set and combine it. Answered by <see cref="RoundAggregated"/>, or by
/// <see cref="RoundAbandoned"/> when fewer than <see cref="MinimumReports"/> were admitted.
/// </summary>
public record AggregateRound
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required int MinimumReports { get; init; }
}
