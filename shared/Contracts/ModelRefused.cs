namespace FlEvents.Contracts;

/// <summary>Event: the Aggregator can't serve a run, e.g. because it does not know the evaluation data set. The run ends.</summary>
public record ModelRefused
{
    public required Guid RunId { get; init; }

    /// <summary>One sentence that names the value and what was expected.</summary>
    public required string Reason { get; init; }
}
