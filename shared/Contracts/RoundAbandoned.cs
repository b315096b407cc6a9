namespace FlEvents.Contracts;

/// <summary>Event: a round ended without a model. Its charges stay.</summary>
public record RoundAbandoned
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }

    /// <summary><c>TOO_FEW_REPORTS</c>, <c>TOO_FEW_CLIENTS</c> or <c>RUN_STOPPED</c>.</summary>
    public required string ReasonCode { get; init; }

    public required string Detail { get; init; }
}
