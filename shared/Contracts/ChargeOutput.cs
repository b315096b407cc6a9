namespace FlEvents.Contracts;

/// <summary>
/// Command to the PrivacyAccountant, from the Aggregator only: a further, different noised update of a task has arrived. Whoever sees both can average
/// their noise, so it is charged like the first, at once and for good, also past the budget. Idempotent for each hash.
/// </summary>
public record ChargeOutput
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }

    /// <summary>The further update, 64 lower-case hexadecimal digits.</summary>
    public required string UpdateSha256 { get; init; }

    /// <summary>The client's own word that it made this output; null where it has no key.</summary>
    public SignedStatement? Signed { get; init; }
}
