using System.Collections.Immutable;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.PrivacyAccountant;

/// <summary>Keeps the log, the reservations it tells of, and the receipts given out.</summary>
public sealed class LedgerStore(Database database)
{
    public Database Database => database;

    private const string SelectHead = "select sequence, hash from ledger_entry order by sequence desc limit 1";

    private const string SelectCommit = """
        select run_id, round, committed, sequence, hash from committed_round where run_id = @runId and round = @round
        """;

    // By id and by ledger: a request meets its own reservation and whatever holds its ledger in the round.
    private const string SelectMet = """
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, state from reservation
        where reservation_id in (select value from json_each(@reservationIds))
        union
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, state from reservation
        where ledger_id in (select value from json_each(@ledgerIds)) and unit in ('example', 'client') and run_id = @runId and round = @round
        """;

    public static LedgerState Load(Transaction transaction, ReserveBudget message)
    {
        var reservationIds = message.Clients.Select(client => ReservationId.Of(message.RunId, message.Round, client.ClientId, message.Attempt));
        var ledgerIds = message.Clients.Select(client => LedgerId.Of(client.Ledger));
        return StateOf(transaction, message.RunId, message.Round, transaction.Query<Reservation>(SelectMet, new
        {
            reservationIds = JsonSerializer.Serialize(reservationIds),
            ledgerIds = JsonSerializer.Serialize(ledgerIds),
            runId = message.RunId,
            round = message.Round,
        }));
    }

    private const string SelectOpen = """
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, state from reservation
        where run_id = @runId and round = @round and state = 'reserved'
        """;

    public static LedgerState Load(Transaction transaction, CommitBudget message) => StateOf(
        transaction, message.RunId, message.Round, transaction.Query<Reservation>(SelectOpen, new { runId = message.RunId, round = message.Round }));

    private const string SelectNamed = """
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, state from reservation
        where reservation_id = @reservationId
        """;

    public static LedgerState Load(Transaction transaction, RefundBudget message) => StateOf(
        transaction, message.RunId, message.Round, transaction.Query<Reservation>(SelectNamed, new { reservationId = message.ReservationId }));

    private static LedgerState StateOf(Transaction transaction, Guid runId, int round, IReadOnlyList<Reservation> reservations)
    {
        var commit = transaction.QuerySingleOrDefault<CommitRow>(SelectCommit, new { runId, round });
        return new LedgerState
        {
            Head = transaction.QuerySingleOrDefault<LedgerReceipt>(SelectHead) ?? LedgerChain.Empty,
            Commit = commit?.ToCommit(),
            Reservations = reservations.ToImmutableDictionary(reservation => reservation.Key),
        };
    }

    private const string InsertLedger = """
        insert into ledger (ledger_id, owner, data_set, partition_rule, partition_seed, partition_index)
        values (@LedgerId, @Owner, @DataSet, @PartitionRule, @PartitionSeed, @PartitionIndex)
        on conflict (ledger_id) do nothing
        """;

    private const string InsertEntry = """
        insert into ledger_entry
            (sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, reason, at, previous_hash, hash)
        values
            (@Sequence, @Kind, @ReservationId, @LedgerId, @Unit, @RunId, @Round, @ClientId, @Attempt, @Event, @Charge, @Reason, @At, @PreviousHash, @Hash)
        """;

    private const string InsertReservation = """
        insert into reservation (reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, state)
        values (@ReservationId, @Unit, @LedgerId, @RunId, @Round, @ClientId, @Attempt, @Event, @Charge, @State)
        """;

    private const string UpdateReservation = "update reservation set state = @State where reservation_id = @ReservationId and unit = @Unit";

    private const string InsertCommit = """
        insert into committed_round (run_id, round, committed, sequence, hash) values (@RunId, @Round, @Committed, @Sequence, @Hash)
        on conflict (run_id, round) do nothing
        """;

    /// <summary>Appends the decision's entries and brings reservations and receipts up to them.</summary>
    public static void Save(Transaction transaction, LedgerDecision decision)
    {
        var rows = decision.Entries.Select(EntryRow.Of).ToList();
        transaction.Execute(InsertLedger, decision.Ledgers.Select(ledger => new
        {
            LedgerId = LedgerId.Of(ledger),
            ledger.Owner,
            ledger.DataSet,
            ledger.PartitionRule,
            ledger.PartitionSeed,
            ledger.PartitionIndex,
        }));
        transaction.Execute(InsertEntry, rows);
        transaction.Execute(InsertReservation, rows.Where(row => row.Entry.Kind == EntryKind.Reserve));
        transaction.Execute(UpdateReservation, rows.Where(row => row.Entry.Kind != EntryKind.Reserve));
        if (decision.State.Commit is { } commit)
        {
            transaction.Execute(InsertCommit, new { commit.RunId, commit.Round, commit.Committed, commit.Receipt.Sequence, commit.Receipt.Hash });
        }
    }

    /// <summary>The hash that covers the whole log.</summary>
    public LedgerReceipt Head() => database.Read(transaction => transaction.QuerySingleOrDefault<LedgerReceipt>(SelectHead) ?? LedgerChain.Empty);

    private const string SelectEntries = """
        select sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, reason, at, previous_hash, hash
        from ledger_entry where sequence > @after order by sequence limit @limit
        """;

    /// <summary>At most <paramref name="limit"/> entries that follow sequence <paramref name="after"/>.</summary>
    public IReadOnlyList<LedgerEntry> Entries(long after, int limit) =>
        database.Read(transaction => transaction.Query<LedgerEntry>(SelectEntries, new { after, limit }));

    private const string SelectReceipts = "select sequence, hash from committed_round where sequence > 0 order by sequence";

    /// <summary>Receipts of every committed round: what the log is verified against.</summary>
    public IReadOnlyList<LedgerReceipt> Receipts() => database.Read(transaction => transaction.Query<LedgerReceipt>(SelectReceipts));

    private const string SelectLedgers = """
        select ledger_id, owner, data_set, partition_rule, partition_seed, partition_index from ledger
        where ledger_id in (select ledger_id from reservation where client_id = @clientId)
        order by owner, data_set, partition_rule, partition_seed, partition_index
        """;

    private const string SelectUnits = """
        select r.ledger_id, r.unit,
            (select count(*) from ledger_entry e where e.ledger_id = r.ledger_id and e.unit = r.unit) as entries,
            sum(r.state = 'reserved') as reserved, sum(r.state = 'committed') as committed, sum(r.state = 'refunded') as refunded,
            sum(r.state <> 'refunded' and r.charge = 'unbounded') as unbounded
        from reservation r
        where r.ledger_id in (select ledger_id from reservation where client_id = @clientId)
        group by r.ledger_id, r.unit
        """;

    /// <summary>The ledgers a client was ever charged in, whole: also with what other clients of the same data spent.</summary>
    public IReadOnlyList<LedgerView> LedgersOf(string clientId) => database.Read(transaction =>
    {
        var units = transaction.Query<UnitRow>(SelectUnits, new { clientId }).ToLookup(unit => unit.LedgerId);
        return transaction.Query<LedgerRow>(SelectLedgers, new { clientId }).Select(ledger => ledger.ToView(units[ledger.LedgerId])).ToList();
    });
}
