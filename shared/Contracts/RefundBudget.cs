namespace FlEvents.Contracts;

/// <summary>
/// Command to the PrivacyAccountant, from the Orchestrator only: give a charge back, because it is proved that nothing derived from the data
/// left the client (the task was never dispatched, or was refused before its lease was accepted).
/// </summary>
public record RefundBudget
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }

    /// <summary>The proof: <c>NOT_DISPATCHED</c>, <c>UNDELIVERABLE</c> or <c>REFUSED_BEFORE_LEASE</c>.</summary>
    public required string ReasonCode { get; init; }
}
