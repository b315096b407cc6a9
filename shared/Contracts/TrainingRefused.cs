namespace FlEvents.Contracts;

/// <summary>Event: a worker did not take a task. No lease was accepted, so nothing left the client: proof for a refund.</summary>
public record TrainingRefused
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int LeaseNumber { get; init; }

    /// <summary><see cref="LeaseToken.RefusalOf"/> the token that the task came with: whoever was not given the task can't have its charge given back.</summary>
    public required string RefusalSha256 { get; init; }

    /// <summary><c>EXPIRED</c>, <c>UNKNOWN_CLIENT</c>, <c>UNKNOWN_DATA_SET</c>, <c>OTHER_PRIVACY_UNIT</c>, <c>BAD_DATA</c> or <c>OWNER_POLICY</c>.</summary>
    public required string ReasonCode { get; init; }

    public required string Detail { get; init; }
}
