namespace FlEvents.Contracts;

/// <summary>Command to the Orchestrator: a worker offers the clients it serves. Idempotent; at most <see cref="Page.LargestOffered"/> clients a message.</summary>
public record EnrollClient
{
    public required string WorkerId { get; init; }

    /// <summary>Pool whose shared queue serves these clients; null for a silo worker, whose one client has its own queue.</summary>
    public required string? Pool { get; init; }

    public required IReadOnlyList<ClientProfile> Clients { get; init; }
}

/// <summary>A client and the data it holds.</summary>
public record ClientProfile
{
    /// <summary>1 to 64 of <c>a-z 0-9 -</c>.</summary>
    public required string ClientId { get; init; }

    public required IReadOnlyList<ClientDataSet> DataSets { get; init; }

    /// <summary>Name of the key that the client signs its updates with (<see cref="ClientKey"/>); null where it has none, as in a pool.</summary>
    public string? KeySha256 { get; init; }
}

/// <summary>The part of a data set that a client holds.</summary>
public record ClientDataSet
{
    public required LedgerIdentity Ledger { get; init; }

    /// <summary>Declared examples, before any split for validation; public, at least 1. Rows, or privacy units where these have a column.</summary>
    public required int ExampleCount { get; init; }

    /// <summary>Column whose values are the privacy units, each of which counts as one example; null where each row is one. A name, never a value.</summary>
    public string? PrivacyUnitColumn { get; init; }
}
