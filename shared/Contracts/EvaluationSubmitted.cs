namespace FlEvents.Contracts;

/// <summary>Event: counts and sums of one client's validation examples; nothing of a single example.</summary>
public record EvaluationSubmitted
{
    public required Guid RunId { get; init; }
    public required int Version { get; init; }
    public required string ClientId { get; init; }

    /// <summary>Validation examples scored; 0 when the client has none, or its owner lets none be scored.</summary>
    public required int ExampleCount { get; init; }

    public required double LossSum { get; init; }

    /// <summary>Examples put in the right class; null for a numeric label.</summary>
    public required int? CorrectCount { get; init; }

    /// <summary>Sum of absolute errors in the label's own unit; null for a class label.</summary>
    public required double? AbsoluteErrorSum { get; init; }
}
