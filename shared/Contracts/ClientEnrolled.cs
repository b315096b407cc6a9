namespace FlEvents.Contracts;

/// <summary>Event: the Orchestrator has registered a worker's clients, or says why not.</summary>
public record ClientEnrolled
{
    public required string WorkerId { get; init; }
    public required IReadOnlyList<string> ClientIds { get; init; }
    public required IReadOnlyList<ClientRefusal> Refused { get; init; }
}

/// <summary>A client that was left out, with the reason.</summary>
public record ClientRefusal
{
    public required string ClientId { get; init; }

    /// <summary>Upper-case code, e.g. <c>OWNER_ALREADY_IN_ROUND</c>.</summary>
    public required string ReasonCode { get; init; }

    public required string Detail { get; init; }
}
