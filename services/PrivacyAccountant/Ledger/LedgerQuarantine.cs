using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>A quarantine that a ledger is in.</summary>
public record LedgerQuarantine
{
    /// <summary>The entry that began it; of several, the last.</summary>
    public required LedgerReceipt Entry { get; init; }

    /// <summary>Why, the first cause first.</summary>
    public required IReadOnlyList<QuarantineCause> Causes { get; init; }

    /// <summary>The last entry that is not in doubt; 0 for none.</summary>
    public required long AfterSequence { get; init; }

    /// <summary>When that was written; the year 1 where there is none.</summary>
    public required DateTimeOffset Since { get; init; }
}
