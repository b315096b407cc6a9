using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>Event: a run has ended, one way or another.</summary>
public record RunCompleted
{
    public required Guid RunId { get; init; }
    public required RunOutcome Outcome { get; init; }

    /// <summary>Why it ended early; null when it was completed.</summary>
    public required string? Reason { get; init; }

    /// <summary>The last global model; null when none was made.</summary>
    public required BlobRef? Model { get; init; }
}

[JsonConverter(typeof(CamelCaseEnumConverter<RunOutcome>))]
public enum RunOutcome
{
    Completed,
    Stopped,
    Abandoned,
    BudgetExhausted,
}
