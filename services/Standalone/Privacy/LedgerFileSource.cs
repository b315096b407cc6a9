using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.PrivacyAccountant;
using Microsoft.Data.Sqlite;

namespace FlEvents.Standalone.Privacy;

/// <summary>
/// The database of a PrivacyAccountant, running or stopped, read and never written. Values are taken in the one spelling that the service writes: another
/// spelling of the same value was not written by it.
/// </summary>
public sealed class LedgerFileSource : ILedgerSource
{
    private const int NotADatabase = 26;
    private static readonly string[] Places = ["ledger.db", "privacy-accountant/ledger.db", "state/privacy-accountant/ledger.db"];
    private readonly SqliteConnection _connection;
    private readonly SqliteTransaction _transaction;

    private LedgerFileSource(string path)
    {
        Place = path;
        // A service that runs, or was killed, has a write-ahead log. Without one SQLite would make one to read by: told that nobody writes, it leaves no file behind.
        var name = File.Exists($"{path}-wal") ? path : $"{new Uri(Path.GetFullPath(path)).AbsoluteUri}?immutable=1";
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = name, Mode = SqliteOpenMode.ReadOnly, Pooling = false, DefaultTimeout = 5 }.ToString());
        try
        {
            _connection.Open();
            _transaction = _connection.BeginTransaction(deferred: true);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public string Place { get; }

    /// <summary>Opens a ledger; nothing is created and nothing is written.</summary>
    /// <param name="path">The file <c>ledger.db</c>, its folder, the folder of a deployment's data, or that of a run.</param>
    /// <exception cref="NoLedgerException">There is none.</exception>
    public static LedgerFileSource Open(string path)
    {
        var file = File.Exists(path) ? path : Places.Select(place => Path.Combine(path, place)).FirstOrDefault(File.Exists)
            ?? throw new NoLedgerException($"There is no ledger in {path}: expected {string.Join(" or ", Places)} in it.");
        LedgerFileSource? source = null;
        try
        {
            source = new LedgerFileSource(file);
            return source.HoldsLedger ? source
                : throw new NoLedgerException($"{file} holds no ledger. If it is a copy, expected {Path.GetFileName(file)}-wal beside it, where the newest entries may be.");
        }
        catch (Exception e) when (e is NoLedgerException or SqliteException)
        {
            source?.Dispose();
            throw e is SqliteException { SqliteErrorCode: NotADatabase } ? new NoLedgerException($"{file} is no ledger: {e.Message}") : e;
        }
    }

    private const string CountTables = "select count(*) from sqlite_master where type = 'table' and name = 'ledger_entry'";

    private bool HoldsLedger => Read(CountTables, row => row.GetInt64(0)).Single() == 1;

    private const string SelectReceipts = "select sequence, hash from committed_round where sequence > 0 order by sequence";

    public IReadOnlyList<LedgerReceipt> Receipts() =>
        [.. Read(SelectReceipts, row => new LedgerReceipt { Sequence = row.GetInt64(0), Hash = row.GetString(1) })];

    private const string SelectEntries = """
        select sequence, kind, reservation_id, ledger_id, unit, run_id, round, client_id, attempt, event, charge, alpha, measure, accountant, reason, at, previous_hash, hash
        from ledger_entry order by sequence
        """;

    public IEnumerable<LedgerEntry> Entries()
    {
        var last = 0L;
        using var entries = Read(SelectEntries, Entry).GetEnumerator();
        while (Next(entries, last))
        {
            last = entries.Current.Sequence;
            yield return entries.Current;
        }
    }

    private static bool Next(IEnumerator<LedgerEntry> entries, long last)
    {
        try
        {
            return entries.MoveNext();
        }
        catch (Exception e) when (e is SqliteException or FormatException or InvalidCastException or InvalidOperationException or OverflowException)
        {
            throw new UnreadableEntryException(last + 1, e.Message);
        }
    }

    private const string SelectLedgers = """
        select ledger_id, owner, data_set, partition_rule, partition_seed, partition_index from ledger
        where ledger_id in (select ledger_id from ledger_client where client_id = $clientId)
        order by owner, data_set, partition_rule, partition_seed, partition_index
        """;

    public IReadOnlyList<(Guid LedgerId, LedgerIdentity Identity)> LedgersOf(string clientId) =>
    [
        .. Read(
            SelectLedgers,
            row => (row.GetGuid(0), new LedgerIdentity
            {
                Owner = row.GetString(1),
                DataSet = row.GetString(2),
                PartitionRule = row.GetString(3),
                PartitionSeed = row.GetInt64(4),
                PartitionIndex = row.GetInt32(5),
            }),
            ("$clientId", clientId)),
    ];

    private const string SelectTotals = """
        select ledger_id, unit, entries, reserved, committed, refunded, unbounded, spent, alpha, measure, epsilon, delta, rho from ledger_unit order by ledger_id, unit
        """;

    public IReadOnlyList<AccountTotals> Totals() =>
    [
        .. Read(SelectTotals, row => new AccountTotals(
            new AccountKey(Id(row.GetString(0)), Word<PrivacyUnit>(row.GetString(1))),
            row.GetInt64(2),
            row.GetInt64(3),
            row.GetInt64(4),
            row.GetInt64(5),
            row.GetInt64(6),
            row.GetInt64(7),
            PrivacyMeasure.Of(Text(row, 9), Number(row, 8)),
            Terms(Number(row, 10), Number(row, 11), Number(row, 12)))),
    ];

    public void Dispose()
    {
        _transaction.Dispose();
        _connection.Dispose();
    }

    private IEnumerable<T> Read<T>(string sql, Func<SqliteDataReader, T> read, params (string Name, object Value)[] parameters)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = _transaction;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return read(reader);
        }
    }

    private static LedgerEntry Entry(SqliteDataReader row) => new()
    {
        Sequence = row.GetInt64(0),
        Kind = Word<EntryKind>(row.GetString(1)),
        ReservationId = Text(row, 2) is { } reservation ? Id(reservation) : null,
        LedgerId = Text(row, 3) is { } ledger ? Id(ledger) : null,
        Unit = Text(row, 4) is { } unit ? Word<PrivacyUnit>(unit) : null,
        RunId = Text(row, 5) is { } run ? Id(run) : null,
        Round = row.IsDBNull(6) ? null : checked((int)row.GetInt64(6)),
        ClientId = Text(row, 7),
        Attempt = row.IsDBNull(8) ? null : checked((int)row.GetInt64(8)),
        Event = row.GetString(9),
        Charge = Text(row, 10),
        Alpha = Number(row, 11),
        Measure = Text(row, 12),
        Accountant = Text(row, 13),
        Reason = Text(row, 14),
        At = Time(row.GetString(15)),
        PreviousHash = row.GetString(16),
        Hash = row.GetString(17),
    };

    private static BudgetTerms? Terms(double? epsilon, double? delta, double? rho) =>
        epsilon is null && rho is null ? null : new BudgetTerms { Epsilon = epsilon, Delta = delta, Rho = rho };

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static double? Number(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);

    private static Guid Id(string text) => Guid.TryParseExact(text, "D", out var id) && id.ToString("D") == text
        ? id
        : throw new FormatException($"\"{text}\" is no id; expected a UUID in lower case");

    private static T Word<T>(string text)
        where T : struct, Enum => Enum.GetValues<T>().Cast<T?>().FirstOrDefault(member => LedgerChain.Name(member!.Value) == text)
        ?? throw new FormatException($"\"{text}\" is not one of {string.Join(", ", Enum.GetValues<T>().Select(LedgerChain.Name))}");

    private static DateTimeOffset Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time) && LedgerChain.Text(time) == text
            ? time
            : throw new FormatException($"\"{text}\" is no time; expected UTC with seven decimals");
}
