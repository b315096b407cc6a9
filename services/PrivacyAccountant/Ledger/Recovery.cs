using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>Who has to report before a quarantine ends by itself: between them they know everything that the ledger was asked and has answered.</summary>
public static class LedgerReporter
{
    public const string Orchestrator = "orchestrator";
    public const string Aggregator = "aggregator";

    public static readonly string[] All = [Orchestrator, Aggregator];
}

/// <summary>
/// How a log that lost entries is made whole, forward only: what others know of is entered anew. As in <see cref="Ledger"/>, whatever comes again writes
/// nothing.
/// </summary>
public static class Recovery
{
    /// <summary>Closes the ledger: from here on nothing is charged but what was charged before.</summary>
    public static LedgerDecision Begin(LedgerReceipt head, QuarantineCause cause, DateTimeOffset now)
    {
        var draft = new Draft(LedgerState.Empty with { Head = head }, now);
        draft.Note(EntryKind.Quarantine, Reservation.Json(cause with { Code = null }), cause.Code);
        return draft.Decide([], []);
    }

    /// <summary>Enters what a report tells and the log lacks: charges as committed ones, also past a budget, and receipts of entries that are gone.</summary>
    /// <param name="state">The round of the report, and the accounts of its clients.</param>
    /// <param name="lost">The report's receipts that the log does not hold and that no entry tells of.</param>
    public static LedgerDecision On(LedgerState state, LedgerReport message, IReadOnlyList<LedgerReceipt> lost, LedgerPolicy policy, DateTimeOffset now)
    {
        var draft = new Draft(state, now);
        var ledgers = new List<LedgerIdentity>();
        foreach (var client in message.Clients)
        {
            var asked = Reservation.Asked(RequestOf(message), client);
            if (asked.Any(reservation => state.Reservations.ContainsKey(reservation.Key)))
            {
                continue;
            }

            ledgers.Add(client.Ledger);
            var offers = asked.Zip(client.Charges, (reservation, charge) => Offer.Of(reservation, charge, draft, policy)).ToList();
            foreach (var offer in offers.Where(offer => offer.NewBudget is not null))
            {
                draft.SetBudget(offer.Reservation.Account, offer.NewBudget!);
            }

            // Whether it fits was asked when it was charged first.
            draft.AppendAll(EntryKind.Reserve, offers.Select(offer => offer.Reservation), LedgerReason.Reconciled);
            draft.AppendAll(EntryKind.Commit, offers.Select(offer => offer.Reservation), LedgerReason.Reconciled);
        }

        NoteLost(draft, lost);
        return draft.Decide(ledgers, []);
    }

    /// <summary>Opens the ledger again.</summary>
    /// <param name="accepted">Receipts that nobody could account for, which a person takes as they are.</param>
    /// <param name="reason">One of <see cref="LedgerReason"/>.</param>
    public static LedgerDecision End(LedgerReceipt head, IReadOnlyList<LedgerReceipt> accepted, string reason, int held, DateTimeOffset now)
    {
        var draft = new Draft(LedgerState.Empty with { Head = head }, now);
        NoteLost(draft, accepted);
        draft.Note(EntryKind.Release, Reservation.Json(new QuarantineEnd { Held = held }), reason);
        return draft.Decide([], []);
    }

    /// <summary>The request that a page of a report tells of.</summary>
    public static ReserveBudget RequestOf(LedgerReport message) => new()
    {
        RunId = message.RunId!.Value,
        RoundId = message.RoundId!.Value,
        Round = message.Round!.Value,
        Attempt = message.Attempt!.Value,
        Clients = message.Clients,
    };

    private static void NoteLost(Draft draft, IReadOnlyList<LedgerReceipt> lost)
    {
        if (lost.Count > 0)
        {
            draft.Note(EntryKind.Reconcile, Reservation.Json(new LostReceipts { Receipts = lost }), reason: null);
        }
    }
}

/// <summary>Why a ledger was quarantined: the event of its entry, whose reason is <see cref="Code"/>.</summary>
public record QuarantineCause
{
    /// <summary>One of <see cref="LedgerReason"/>.</summary>
    public string? Code { get; init; }

    /// <summary>The copy that the database was restored from, and when it was taken.</summary>
    public Guid? SnapshotId { get; init; }

    public DateTimeOffset? TakenAt { get; init; }

    /// <summary>The receipt that the log does not hold.</summary>
    public LedgerReceipt? Receipt { get; init; }

    /// <summary>The round that lacks charges, the clients that are charged in it as others know, and as the log does.</summary>
    public Guid? RunId { get; init; }

    public int? Round { get; init; }
    public int? Charged { get; init; }
    public int? Found { get; init; }

    /// <summary>The cause as a sentence.</summary>
    public string Text => Code switch
    {
        LedgerReason.Restored => $"The database is a copy of {TakenAt:yyyy-MM-dd HH:mm:ss} UTC.",
        LedgerReason.ReceiptMissing => $"The log does not hold entry {Receipt?.Sequence} as a receipt names it.",
        LedgerReason.ChargesMissing => $"Of {Charged} clients that were charged in round {Round} of run {RunId} the log has {Found}.",
        _ => $"{Code}.",
    };
}

/// <summary>The event of an entry that tells of receipts whose entries are gone.</summary>
public record LostReceipts
{
    public required IReadOnlyList<LedgerReceipt> Receipts { get; init; }
}

/// <summary>The event of a quarantine's end.</summary>
public record QuarantineEnd
{
    /// <summary>Messages that had waited for it.</summary>
    public required int Held { get; init; }
}
