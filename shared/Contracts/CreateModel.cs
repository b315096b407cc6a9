namespace FlEvents.Contracts;

/// <summary>Command to the Aggregator: draw the initial weights of a run. Answered by <see cref="ModelPublished"/> (version 0) or <see cref="ModelRefused"/>.</summary>
public record CreateModel
{
    public required Guid RunId { get; init; }
    public required RunSpec Run { get; init; }
}
