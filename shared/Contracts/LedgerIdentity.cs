namespace FlEvents.Contracts;

/// <summary>What a privacy ledger belongs to: a part of an owner's data set, whatever client trains on it and in whatever run.</summary>
public record LedgerIdentity
{
    public required string Owner { get; init; }
    public required string DataSet { get; init; }

    /// <summary>How the data set was split, with its parameters, e.g. <c>iid/10</c>; <c>whole</c> when it was not.</summary>
    public required string PartitionRule { get; init; }

    public required long PartitionSeed { get; init; }
    public required int PartitionIndex { get; init; }
}
