namespace FlEvents.Contracts;

/// <summary>Public event: a round's cohort is charged and its tasks go out. It says how many take part, never who.</summary>
public record RoundStarted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }

    /// <summary>From 1.</summary>
    public required int Round { get; init; }

    public required int CohortSize { get; init; }
    public required BlobRef BaseModel { get; init; }
    public required DateTimeOffset DeadlineAt { get; init; }
}
