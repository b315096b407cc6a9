namespace FlEvents.Contracts;

/// <summary>
/// Command to the Orchestrator and to the Aggregator, from a PrivacyAccountant that may have lost entries: tell what the ledger was asked, or has given
/// out, since. Answered by one <see cref="LedgerReport"/>, which says where the next one begins.
/// </summary>
public record ReconcileLedger
{
    /// <summary>The entry with which the ledger was quarantined.</summary>
    public required LedgerReceipt Quarantine { get; init; }

    /// <summary>The last entry that is not in doubt; 0 for none.</summary>
    public required long AfterSequence { get; init; }

    /// <summary>When that entry was written; the year 1 where there is none.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Where the report begins: 0, or what the last one named.</summary>
    public required long Cursor { get; init; }
}
