using System.Collections.Immutable;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.PrivacyAccountant;

/// <summary>Keeps the log, the reservations it tells of, and the receipts given out.</summary>
public sealed class LedgerStore(Database database)
{
    public Database Database => database;

    private const string SelectHead = "select sequence, hash from ledger_entry order by sequence desc limit 1";

    private const string SelectCommit = """
        select run_id, round, committed, sequence, hash, model_sha256 from committed_round where run_id = @runId and round = @round
        """;

    // By client and by ledger: a request meets its own reservation and whatever holds its ledger in the round.
    private const string SelectMet = """
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, alpha, measure, state from reservation
        where run_id = @runId and round = @round and client_id in (select value from json_each(@clientIds))
        union
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, alpha, measure, state from reservation
        where run_id = @runId and round = @round and ledger_id in (select value from json_each(@ledgerIds))
        """;

    public static LedgerState Load(Transaction transaction, ReserveBudget message) => StateOf(
        transaction, message.RunId, message.Round, transaction.Query<Reservation>(SelectMet, new
        {
            runId = message.RunId,
            round = message.Round,
            clientIds = Json(message.Clients.Select(client => client.ClientId)),
            ledgerIds = Json(message.Clients.Select(client => LedgerId.Of(client.Ledger))),
        }),
        message.Clients.Select(client => LedgerId.Of(client.Ledger)));

    private const string SelectRound = """
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, alpha, measure, state from reservation
        where run_id = @runId and round = @round
        """;

    public static LedgerState Load(Transaction transaction, CommitBudget message) => StateOf(
        transaction, message.RunId, message.Round, transaction.Query<Reservation>(SelectRound, new { runId = message.RunId, round = message.Round }));

    private const string SelectClient = """
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, alpha, measure, state from reservation
        where run_id = @runId and round = @round and client_id = @clientId
        """;

    public static LedgerState Load(Transaction transaction, RefundBudget message) => StateOf(
        transaction, message.RunId, message.Round,
        transaction.Query<Reservation>(SelectClient, new { runId = message.RunId, round = message.Round, clientId = message.ClientId }));

    public static LedgerState Load(Transaction transaction, ChargeOutput message) => StateOf(
        transaction, message.RunId, message.Round,
        transaction.Query<Reservation>(SelectClient, new { runId = message.RunId, round = message.Round, clientId = message.ClientId }));

    /// <summary>The round of a report, and its clients' accounts.</summary>
    public static LedgerState Load(Transaction transaction, LedgerReport message) =>
        message.Clients.Count > 0 ? Load(transaction, Recovery.RequestOf(message)) : LedgerState.Empty with { Head = Head(transaction) };

    // One parameter for a whole page.
    private static string Json<T>(IEnumerable<T> rows) => JsonSerializer.Serialize(rows, JsonSerializerOptions.Web);

    private static LedgerState StateOf(
        Transaction transaction, Guid runId, int round, IReadOnlyList<Reservation> reservations, IEnumerable<Guid>? ledgers = null)
    {
        var commit = transaction.QuerySingleOrDefault<CommitRow>(SelectCommit, new { runId, round });
        return new LedgerState
        {
            Head = Head(transaction),
            Commit = commit?.ToCommit(),
            Reservations = reservations.ToImmutableDictionary(reservation => reservation.Key),
            Accounts = Accounts(transaction, ledgers ?? reservations.Select(reservation => reservation.LedgerId)),
        };
    }

    private const string SelectAccounts = """
        select ledger_id, unit, entries, reserved, committed, refunded, unbounded, spent, alpha, measure, epsilon, delta, rho from ledger_unit
        where ledger_id in (select value from json_each(@ledgerIds))
        """;

    private static ImmutableDictionary<AccountKey, UnitAccount> Accounts(Transaction transaction, IEnumerable<Guid> ledgers) => transaction
        .Query<UnitRow>(SelectAccounts, new { ledgerIds = Json(ledgers.Distinct()) })
        .ToImmutableDictionary(row => new AccountKey(row.LedgerId, row.Unit), row => row.ToAccount());

    /// <summary>A ledger's accounts, for a budget that is set on one of them.</summary>
    public static LedgerState Load(Transaction transaction, LedgerIdentity ledger) => LedgerState.Empty with
    {
        Head = Head(transaction),
        Accounts = Accounts(transaction, [LedgerId.Of(ledger)]),
    };

    private const string InsertLedgers = """
        insert into ledger (ledger_id, owner, data_set, partition_rule, partition_seed, partition_index)
        select value ->> 'ledgerId', value ->> 'owner', value ->> 'dataSet', value ->> 'partitionRule', value ->> 'partitionSeed', value ->> 'partitionIndex'
        from json_each(@ledgers) where true
        on conflict (ledger_id) do nothing
        """;

    // Each row is parsed once, as jsonb: value ->> 'name' would parse it for every column.
    private const string InsertEntries = """
        with page (row) as materialized (select jsonb(value) from json_each(@entries) order by key)
        insert into ledger_entry
            (sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, alpha, measure, accountant, reason, at, previous_hash, hash)
        select row ->> 'sequence', row ->> 'kind', row ->> 'reservationId', row ->> 'ledgerId', row ->> 'unit', row ->> 'runId', row ->> 'round',
            row ->> 'clientId', row ->> 'attempt', row ->> 'event', row ->> 'charge', row ->> 'alpha', row ->> 'measure',
            row ->> 'accountant', row ->> 'reason', row ->> 'at', row ->> 'previousHash', row ->> 'hash'
        from page
        """;

    private const string InsertReservations = """
        insert into reservation (reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, alpha, measure, state)
        select reservation_id, unit, ledger_id, run_id, round, client_id, attempt, event, charge, alpha, measure, 'reserved'
        from ledger_entry where sequence >= @first and kind = 'reserve'
        """;

    private const string InsertClients = """
        insert into ledger_client (client_id, ledger_id) select client_id, ledger_id from ledger_entry where sequence >= @first and kind = 'reserve'
        on conflict (client_id, ledger_id) do nothing
        """;

    private const string UpdateReservations = """
        update reservation set state = case entry.kind when 'commit' then 'committed' else 'refunded' end
        from (select run_id, round, client_id, attempt, unit, kind from ledger_entry where sequence >= @first and kind in ('commit', 'refund')) as entry
        where reservation.run_id = entry.run_id and reservation.round = entry.round and reservation.client_id = entry.client_id
            and reservation.attempt = entry.attempt and reservation.unit = entry.unit
        """;

    private const string InsertUnits = """
        insert into ledger_unit (ledger_id, unit, entries, reserved, committed, refunded, unbounded, spent)
        select distinct ledger_id, unit, 0, 0, 0, 0, 0, 0 from ledger_entry where sequence >= @first and ledger_id is not null
        on conflict (ledger_id, unit) do nothing
        """;

    private const string AddToUnits = """
        update ledger_unit set entries = ledger_unit.entries + new.entries, reserved = reserved + new.reserves - new.commits - new.refunds,
            committed = committed + new.commits, refunded = refunded + new.refunds, unbounded = unbounded + new.more_unbounded - new.less_unbounded,
            spent = spent + new.more_spent - new.less_spent, alpha = coalesce(alpha, new.order_told), measure = coalesce(measure, new.measure_told)
        from (
            select ledger_id, unit, count(*) as entries, sum(kind = 'reserve') as reserves, sum(kind = 'commit') as commits, sum(kind = 'refund') as refunds,
                sum(kind = 'reserve' and charge = 'unbounded') as more_unbounded, sum(kind = 'refund' and charge = 'unbounded') as less_unbounded,
                coalesce(sum(cast(charge as integer)) filter (where kind = 'reserve' and charge <> 'unbounded'), 0) as more_spent,
                coalesce(sum(cast(charge as integer)) filter (where kind = 'refund' and charge <> 'unbounded'), 0) as less_spent,
                max(alpha) as order_told, max(measure) as measure_told
            from ledger_entry where sequence >= @first group by ledger_id, unit) as new
        where ledger_unit.ledger_id = new.ledger_id and ledger_unit.unit = new.unit
        """;

    private const string SetBudgets = """
        update ledger_unit set epsilon = new.event ->> 'epsilon', delta = new.event ->> 'delta', rho = new.event ->> 'rho'
        from (select ledger_id, unit, event, max(sequence) from ledger_entry where sequence >= @first and kind = 'budget' group by ledger_id, unit) as new
        where ledger_unit.ledger_id = new.ledger_id and ledger_unit.unit = new.unit
        """;

    private const string InsertCommit = """
        insert into committed_round (run_id, round, committed, sequence, hash, model_sha256) values (@RunId, @Round, @Committed, @Sequence, @Hash, @ModelSha256)
        on conflict (run_id, round) do nothing
        """;

    /// <summary>Appends the decision's entries and brings everything that is told from them up to date; a few statements for a whole page.</summary>
    public static void Save(Transaction transaction, LedgerDecision decision)
    {
        if (decision.Entries.Count > 0)
        {
            var first = decision.Entries[0].Sequence;
            transaction.Execute(InsertLedgers, new { ledgers = Json(decision.Ledgers.Select(LedgerRow.Of)) });
            transaction.Execute(InsertEntries, new { entries = Json(decision.Entries.Select(EntryRow.Of)) });
            transaction.Execute(InsertClients, new { first });
            transaction.Execute(InsertReservations, new { first });
            transaction.Execute(UpdateReservations, new { first });
            transaction.Execute(InsertUnits, new { first });
            transaction.Execute(AddToUnits, new { first });
            if (decision.Entries.Any(entry => entry.Kind == EntryKind.Budget))
            {
                transaction.Execute(SetBudgets, new { first });
            }
        }

        if (decision.State.Commit is { } commit)
        {
            transaction.Execute(InsertCommit, new { commit.RunId, commit.Round, commit.Committed, commit.Receipt.Sequence, commit.Receipt.Hash, commit.ModelSha256 });
        }
    }

    /// <summary>The hash that covers the whole log.</summary>
    public LedgerReceipt Head() => database.Read(Head);

    internal static LedgerReceipt Head(Transaction transaction) => transaction.QuerySingleOrDefault<LedgerReceipt>(SelectHead) ?? LedgerChain.Empty;

    private const string SelectEntries = """
        select sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, alpha, measure, accountant, reason, at, previous_hash, hash
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
        where ledger_id in (select ledger_id from ledger_client where client_id = @clientId)
        order by owner, data_set, partition_rule, partition_seed, partition_index
        """;

    private const string SelectUnits = """
        select ledger_id, unit, entries, reserved, committed, refunded, unbounded, spent, alpha, measure, epsilon, delta, rho from ledger_unit
        where ledger_id in (select ledger_id from ledger_client where client_id = @clientId)
        """;

    /// <summary>The ledgers a client was ever charged in, whole: also with what other clients of the same data spent.</summary>
    public IReadOnlyList<LedgerView> LedgersOf(string clientId) => database.Read(transaction =>
    {
        var units = transaction.Query<UnitRow>(SelectUnits, new { clientId }).ToLookup(unit => unit.LedgerId);
        return transaction.Query<LedgerRow>(SelectLedgers, new { clientId }).Select(ledger => ledger.ToView(units[ledger.LedgerId])).ToList();
    });

    private const string SelectCharges = """
        select event as Event, count(*) as Count from reservation where ledger_id = @ledgerId and unit = @unit and state <> 'refunded' group by event order by event
        """;

    /// <summary>Charges of an account that were not given back, and how many of each.</summary>
    public IReadOnlyList<(PrivacyCharge Charge, long Count)> Charges(Guid ledgerId, PrivacyUnit unit) => database.Read(transaction => transaction
        .Query<ChargeCount>(SelectCharges, new { ledgerId, unit = LedgerChain.Name(unit) })
        .Select(row => (Reservation.Read<PrivacyCharge>(row.Event), row.Count))
        .ToList());

    private sealed record ChargeCount
    {
        public required string Event { get; init; }
        public required long Count { get; init; }
    }

    /// <summary>Sets a budget; the ledger need not have been charged yet.</summary>
    /// <exception cref="OtherMeasureException">The ledger's charges in the unit are in another measure; nothing is changed.</exception>
    public Task<LedgerView> SetBudgetAsync(LedgerIdentity ledger, PrivacyUnit unit, BudgetTerms terms, CancellationToken cancellationToken) => database.WriteAsync(
        transaction =>
        {
            Save(transaction, Ledger.On(Load(transaction, ledger), ledger, unit, terms, transaction.Now));
            return LedgerRow.Of(ledger).ToView(transaction.Query<UnitRow>(SelectAccounts, new { ledgerIds = Json([LedgerId.Of(ledger)]) }));
        },
        cancellationToken);

    /// <summary>How many more tasks with a charge the client's ledgers allow.</summary>
    public IReadOnlyList<ForecastView> Forecast(string clientId, PrivacyCharge charge) => database.Read<IReadOnlyList<ForecastView>>(transaction =>
    {
        var charged = Pricing.EventOf(charge);
        return transaction.Query<UnitRow>(SelectUnits, new { clientId })
            .Where(row => row.Unit == charge.Unit)
            .Select(row => ForecastView.Of(row.LedgerId, row.ToAccount(), charged))
            .ToList();
    });
}
