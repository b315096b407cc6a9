using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.PrivacyAccountant;

/// <summary>
/// Keeps a ledger that may have lost entries from charging anything: its messages wait until everybody has told what they were charged and what they were
/// given. The log tells whether it is quarantined, so it is after any restart.
/// </summary>
public static class LedgerQuarantines
{
    private const string SelectIsQuarantined = """
        select kind = 'quarantine' from ledger_entry where kind in ('quarantine', 'release') order by sequence desc limit 1
        """;

    public static bool IsQuarantined(Transaction transaction) => transaction.Scalar<bool?>(SelectIsQuarantined) ?? false;

    // Those that no release ended: a copy taken in a quarantine begins with another one.
    private const string SelectCauses = """
        select sequence, event, reason, hash from ledger_entry where kind in ('quarantine', 'release')
            and sequence > (select coalesce(max(sequence), 0) from ledger_entry where kind in ('quarantine', 'release') and kind = 'release') order by sequence
        """;

    private const string SelectAt = "select at from ledger_entry where sequence = @sequence";

    /// <summary>The quarantine that the ledger is in; null when it is in none.</summary>
    public static LedgerQuarantine? Find(Transaction transaction)
    {
        var rows = transaction.Query<CauseRow>(SelectCauses);
        if (rows.Count == 0)
        {
            return null;
        }

        var after = rows[0].Sequence - 1;
        return new LedgerQuarantine
        {
            Entry = new LedgerReceipt { Sequence = rows[^1].Sequence, Hash = rows[^1].Hash },
            Causes = [.. rows.Select(row => Reservation.Read<QuarantineCause>(row.Event) with { Code = row.Reason })],
            AfterSequence = after,
            Since = transaction.Scalar<DateTimeOffset?>(SelectAt, new { sequence = after }) ?? DateTimeOffset.MinValue,
        };
    }

    /// <summary>Quarantines the ledger, and asks those who know what it may have lost.</summary>
    public static LedgerDecision Begin(Transaction transaction, QuarantineCause cause)
    {
        var decision = Recovery.Begin(LedgerStore.Head(transaction), cause, transaction.Now);
        LedgerStore.Save(transaction, decision);
        Ask(transaction, Find(transaction)!);
        return decision;
    }

    /// <summary>Asks everybody for their report from its beginning.</summary>
    public static void Ask(Transaction transaction, LedgerQuarantine quarantine) =>
        Array.ForEach(LedgerReporter.All, service => Ask(transaction, quarantine, service, cursor: 0));

    private static void Ask(Transaction transaction, LedgerQuarantine quarantine, string service, long cursor) => transaction.Send(
        new ReconcileLedger { Quarantine = quarantine.Entry, AfterSequence = quarantine.AfterSequence, Since = quarantine.Since, Cursor = cursor },
        service == LedgerReporter.Orchestrator ? Routes.Orchestrator : Routes.Aggregator);

    /// <summary>Looks whether a message may be decided about. One that may not is kept until the quarantine ends.</summary>
    /// <returns>Whether it was kept, and the quarantine that it was the first to give cause for.</returns>
    public static (bool IsKept, LedgerDecision? Begun) Keep(Transaction transaction, object message)
    {
        LedgerDecision? begun = null;
        if (!IsQuarantined(transaction))
        {
            if (CauseIn(transaction, message) is not { } cause)
            {
                return (false, null);
            }

            begun = Begin(transaction, cause);
        }

        transaction.Execute(InsertHeld, new { type = message.GetType().Name, body = JsonSerializer.Serialize(message, message.GetType(), JsonSerializerOptions.Web), now = transaction.Now });
        return (true, begun);
    }

    private const string InsertHeld = "insert into held_message (type, body, held_at) values (@type, @body, @now)";

    private static QuarantineCause? CauseIn(Transaction transaction, object message) => message switch
    {
        ReserveBudget { LastReceipt: { } receipt } when !IsAccountedFor(transaction, receipt) => new QuarantineCause { Code = LedgerReason.ReceiptMissing, Receipt = receipt },
        CommitBudget { Charged: { } charged } m when CountCharged(transaction, m) is var found && found < charged =>
            new QuarantineCause { Code = LedgerReason.ChargesMissing, RunId = m.RunId, Round = m.Round, Charged = charged, Found = found },
        _ => null,
    };

    private const string SelectHash = "select hash from ledger_entry where sequence = @Sequence";

    private const string SelectIsTold = """
        select exists (select 1 from ledger_entry entry, json_each(entry.event, '$.receipts') told
            where entry.kind = 'reconcile' and told.value ->> 'sequence' = @Sequence and told.value ->> 'hash' = @Hash)
        """;

    /// <summary>Whether the log holds what a receipt names, or tells that it is lost and entered anew.</summary>
    private static bool IsAccountedFor(Transaction transaction, LedgerReceipt receipt) =>
        receipt.Sequence == 0 || transaction.Scalar<string?>(SelectHash, receipt) == receipt.Hash || transaction.Scalar<bool>(SelectIsTold, receipt);

    // Whatever became of them: a charge that was given back was made.
    private const string SelectCharged = """
        select count(*) from reservation where run_id = @RunId and round = @Round and attempt = 1 and unit = 'client'
        """;

    private static int CountCharged(Transaction transaction, CommitBudget message) => transaction.Scalar<int>(SelectCharged, new { message.RunId, message.Round });

    /// <summary>Enters a page of a report. With the last of all the quarantine ends by itself, unless something is still not accounted for.</summary>
    /// <returns>What was entered; null when the report is not of the present quarantine.</returns>
    public static LedgerDecision? On(Transaction transaction, LedgerReport message, LedgerPolicy policy)
    {
        if (Find(transaction) is not { } quarantine || quarantine.Entry != message.Quarantine)
        {
            return null;
        }

        var lost = message.Receipts.Where(receipt => !IsAccountedFor(transaction, receipt)).ToList();
        var decision = Recovery.On(LedgerStore.Load(transaction, message), message, lost, policy, transaction.Now);
        LedgerStore.Save(transaction, decision);
        if (message is { RunId: { } runId, Round: { } round })
        {
            ReservationKeys.Save(transaction, runId, round, message.Clients);
        }

        if (message.NextCursor is { } cursor)
        {
            Ask(transaction, quarantine, message.Service, cursor);
            return decision;
        }

        transaction.Execute(UpsertReport, new { hash = quarantine.Entry.Hash, service = message.Service, knownSince = message.KnownSince, now = transaction.Now });
        return Obstacles(transaction, quarantine).Count > 0 ? decision : End(transaction, [], LedgerReason.Reconciled);
    }

    private const string UpsertReport = """
        insert into reconciliation (quarantine_hash, service, known_since, reported_at) values (@hash, @service, @knownSince, @now)
        on conflict do update set known_since = @knownSince, reported_at = @now
        """;

    private const string SelectReports = "select service, known_since from reconciliation where quarantine_hash = @hash order by service";

    /// <summary>What keeps a quarantine from ending by itself, a sentence each.</summary>
    public static IReadOnlyList<string> Obstacles(Transaction transaction, LedgerQuarantine quarantine)
    {
        var reports = transaction.Query<ReportRow>(SelectReports, new { hash = quarantine.Entry.Hash }).ToDictionary(row => row.Service);
        var held = Held(transaction);
        return
        [
            .. LedgerReporter.All.Where(service => !reports.ContainsKey(service)).Select(service => $"The {service} has not reported everything yet."),
            .. reports.Values.Where(report => report.KnownSince > quarantine.Since)
                .Select(report => $"The {report.Service} was restored itself, at {report.KnownSince:yyyy-MM-dd HH:mm:ss} UTC, and may not know what was charged before."),
            .. Outstanding(transaction, quarantine, held).Select(receipt => $"Nobody has told what entry {receipt.Sequence} was, which a receipt names."),
            .. held.OfType<CommitBudget>().Where(message => !HasItsCharges(transaction, message))
                .Select(message => $"Nobody has told of all {message.Charged} clients that were charged in round {message.Round} of run {message.RunId}."),
        ];
    }

    private static List<LedgerReceipt> Outstanding(Transaction transaction, LedgerQuarantine quarantine, IEnumerable<object> held) =>
    [
        .. quarantine.Causes.Select(cause => cause.Receipt)
            .Concat(held.OfType<ReserveBudget>().Select(message => message.LastReceipt))
            .OfType<LedgerReceipt>().Distinct()
            .Where(receipt => !IsAccountedFor(transaction, receipt)),
    ];

    private static bool HasItsCharges(Transaction transaction, CommitBudget message) => message.Charged is not { } charged || CountCharged(transaction, message) >= charged;

    /// <summary>Ends the quarantine on a person's word, with what was not accounted for as it is.</summary>
    /// <param name="reason">Why, in their own words: they are written into the log.</param>
    /// <returns>Null when the ledger is not quarantined.</returns>
    public static LedgerDecision? Accept(Transaction transaction, string reason) => Find(transaction) is { } quarantine
        ? End(transaction, Outstanding(transaction, quarantine, Held(transaction)), LedgerReason.Accepted + reason)
        : null;

    private const string DeleteHeld = "delete from held_message; delete from reconciliation";

    private static LedgerDecision End(Transaction transaction, List<LedgerReceipt> accepted, string reason)
    {
        var held = Held(transaction);
        var decision = Recovery.End(LedgerStore.Head(transaction), accepted, reason, held.Count, transaction.Now);
        LedgerStore.Save(transaction, decision);
        transaction.Execute(DeleteHeld);
        foreach (var message in held)
        {
            transaction.Send(Judged(transaction, message), Routes.PrivacyAccountant);
        }

        return decision;
    }

    // What it proves was looked at, and must not close the ledger again. A round whose charges nobody found gets no model out.
    private static object Judged(Transaction transaction, object message) => message switch
    {
        ReserveBudget m => m with { LastReceipt = null },
        CommitBudget m => m with { Charged = null, ModelSha256 = HasItsCharges(transaction, m) ? m.ModelSha256 : null },
        _ => message,
    };

    private const string SelectHeld = "select type, body from held_message order by position";

    private static List<object> Held(Transaction transaction) => [.. transaction.Query<OutboxRow>(SelectHeld).Select(row => row.Decode().Message)];

    private const string CountHeldRows = "select count(*) from held_message";

    /// <summary>Messages that wait for the end of the quarantine.</summary>
    public static int CountHeld(Transaction transaction) => transaction.Scalar<int>(CountHeldRows);

    private sealed record CauseRow
    {
        public required long Sequence { get; init; }
        public required string Event { get; init; }
        public required string Reason { get; init; }
        public required string Hash { get; init; }
    }

    private sealed record ReportRow
    {
        public required string Service { get; init; }
        public DateTimeOffset? KnownSince { get; init; }
    }
}
