namespace FlEvents.ServiceDefaults.Security;

/// <summary>What a caller may do over HTTP. No scope includes another.</summary>
public static class Scopes
{
    /// <summary>Runs, rounds, clients, events, models; quarantined messages without changing them.</summary>
    public const string RunsRead = "runs:read";

    /// <summary>Creates, pauses and stops runs, removes clients, replays and discards quarantined messages.</summary>
    public const string RunsWrite = "runs:write";

    /// <summary>The ledger's entries, spending and forecasts.</summary>
    public const string LedgerRead = "ledger:read";

    /// <summary>Sets budgets, ends a ledger's quarantine, copies databases, reads the audit log.</summary>
    public const string LedgerAdmin = "ledger:admin";

    /// <summary>A worker or a client: fetches models and sends updates.</summary>
    public const string BlobsClient = "blobs:client";

    /// <summary>All of them, in the order in which they are shown.</summary>
    public static readonly IReadOnlyList<string> All = [RunsRead, RunsWrite, LedgerRead, LedgerAdmin, BlobsClient];
}
