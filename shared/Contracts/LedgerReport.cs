namespace FlEvents.Contracts;

/// <summary>
/// Command to the PrivacyAccountant, in answer to <see cref="ReconcileLedger"/>: charges that it answered for after the entry in question, and receipts
/// that it gave out. One page of requests a message.
/// </summary>
public record LedgerReport
{
    public required LedgerReceipt Quarantine { get; init; }

    /// <summary>Who reports: <c>orchestrator</c> or <c>aggregator</c>.</summary>
    public required string Service { get; init; }

    /// <summary>Where the rest begins; null when there is none.</summary>
    public required long? NextCursor { get; init; }

    /// <summary>The reporter's own state was restored then, and it may not know what was before; null when it knows all.</summary>
    public required DateTimeOffset? KnownSince { get; init; }

    /// <summary>The run whose clients were charged; null, as are the next three, when the page tells of receipts alone.</summary>
    public required Guid? RunId { get; init; }

    public required Guid? RoundId { get; init; }
    public required int? Round { get; init; }
    public required int? Attempt { get; init; }

    /// <summary>Clients that may have been given work, and what for: at most <see cref="Page.LargestCharged"/>.</summary>
    public required IReadOnlyList<ReservationRequest> Clients { get; init; }

    /// <summary>Receipts from after the entry in question: at most <see cref="Page.LargestCharged"/>.</summary>
    public required IReadOnlyList<LedgerReceipt> Receipts { get; init; }
}
