namespace FlEvents.Contracts;

/// <summary>Proof that every reservation of a round is committed: the ledger's head after the commit.</summary>
public record LedgerReceipt
{
    /// <summary>Sequence number of the last entry written, dense from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>Hash of that entry, 64 lower-case hexadecimal digits; it covers every entry before it.</summary>
    public required string Hash { get; init; }
}
