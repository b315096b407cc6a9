namespace FlEvents.Contracts;

/// <summary>
/// Command to the Aggregator: open the round's book, or add or renew members of it. At most <see cref="Page.LargestSize"/> members a message; the book is complete when
/// it holds <see cref="CohortSize"/> of them.
/// </summary>
public record OpenRound
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required BlobRef BaseModel { get; init; }
    public required int CohortSize { get; init; }
    public required IReadOnlyList<RoundMember> Members { get; init; }
}

/// <summary>Who may submit to a round, and with what.</summary>
public record RoundMember
{
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int Attempt { get; init; }

    /// <summary>From 1; a re-issued task has a higher one, and the lease token of a lower one is no longer good.</summary>
    public required int LeaseNumber { get; init; }

    /// <summary>SHA-256 of the lease token, 64 lower-case hexadecimal digits: the book never holds the token.</summary>
    public required string LeaseTokenSha256 { get; init; }

    /// <summary>Examples declared at enrolment: the most an update may claim.</summary>
    public required int ExampleCount { get; init; }

    /// <summary>
    /// Earlier round whose late update of this client counts in this one; null for a client that is sent a task. The reservation is the one of that round.
    /// </summary>
    public Guid? CarriedFrom { get; init; }

    /// <summary>Name of the key that the client signs its updates with (<see cref="ClientKey"/>); null where it has none.</summary>
    public string? KeySha256 { get; init; }
}
