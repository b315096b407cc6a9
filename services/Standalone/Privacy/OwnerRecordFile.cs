using System.Globalization;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;
using Microsoft.Data.Sqlite;

namespace FlEvents.Standalone.Privacy;

/// <summary>The database of a ClientWorker, running or stopped, read as of one moment and never written.</summary>
public static class OwnerRecordFile
{
    private const int NotADatabase = 26;

    // The schema that keeps what was asked.
    private const long OldestSchema = 2;

    private static readonly string[] Places = ["client-worker.db", "client-worker/client-worker.db", "state/client-worker/client-worker.db"];

    /// <summary>Reads what a worker's books say; nothing is created and nothing is written.</summary>
    /// <param name="path">The file <c>client-worker.db</c>, its folder, the folder of a deployment's data, or that of a run.</param>
    /// <param name="clientId">The one client to tell of; null for all.</param>
    /// <param name="delta">δ at which ε is shown, in (0, 1).</param>
    /// <exception cref="NoOwnerRecordException">There is no worker's database, or one of an older program.</exception>
    public static OwnerRecord Read(string path, string? clientId, double delta)
    {
        var file = File.Exists(path) ? path : Places.Select(place => Path.Combine(path, place)).FirstOrDefault(File.Exists)
            ?? throw new NoOwnerRecordException($"There is no worker's database in {path}: expected {string.Join(" or ", Places)} in it.");

        // A worker that runs, or was killed, has a write-ahead log. Without one SQLite would make one to read by: told that nobody writes, it leaves no file behind.
        var name = File.Exists($"{file}-wal") ? file : $"{new Uri(Path.GetFullPath(file)).AbsoluteUri}?immutable=1";
        try
        {
            using var connection = new SqliteConnection(
                new SqliteConnectionStringBuilder { DataSource = name, Mode = SqliteOpenMode.ReadOnly, Pooling = false, DefaultTimeout = 5 }.ToString());
            connection.Open();
            using var transaction = connection.BeginTransaction(deferred: true);
            var books = new Books(transaction, clientId, delta);
            return books.HoldTasks ? books.Read()
                : throw new NoOwnerRecordException(
                    $"{file} is no database of this program's ClientWorker. One of an older program is brought up to date when the worker starts; a copy needs {Path.GetFileName(file)}-wal beside it.");
        }
        catch (SqliteException e) when (e.SqliteErrorCode == NotADatabase)
        {
            throw new NoOwnerRecordException($"{file} is no worker's database: {e.Message}");
        }
    }

    /// <summary>One reading of the tables.</summary>
    private sealed class Books(SqliteTransaction transaction, string? clientId, double delta)
    {
        private const string CountTables = "select count(*) from sqlite_master where type = 'table' and name in ('tasks', 'evaluations', 'releases')";

        public bool HoldTasks => Rows(CountTables, row => row.GetInt64(0)).Single() == 3 && Rows("pragma user_version", row => row.GetInt64(0)).Single() >= OldestSchema;

        private const string SelectTasks = """
            select client_id, run_id, data_set, max(run_name), max(strategy), min(asked_at), max(asked_at), count(*), count(accepted_at),
                   sum(state in ('Accepted', 'Trained')), sum(state = 'Announced'), sum(state = 'Interrupted'), sum(state = 'Refused'),
                   sum(case state when 'Announced' then update_size_bytes else 0 end), sum(received_bytes)
            from tasks where $clientId is null or client_id = $clientId group by client_id, run_id, data_set
            """;

        private const string SelectEnds = """
            select client_id, run_id, data_set, state, reason_code, rule, count(*) from tasks
            where ($clientId is null or client_id = $clientId) and state in ('Refused', 'Interrupted')
            group by client_id, run_id, data_set, state, reason_code, rule order by state desc, reason_code, rule
            """;

        private const string SelectEvaluations = """
            select client_id, run_id, data_set, max(run_name), sum(rule is null), sum(rule is not null), sum(received_bytes) from evaluations
            where $clientId is null or client_id = $clientId group by client_id, run_id, data_set
            """;

        private const string SelectReleases = """
            select client_id, run_id, data_set, unit, count(*), sum(charge = 'unbounded'), sum(case charge when 'unbounded' then 0 else cast(charge as integer) end),
                   max(alpha), max(measure)
            from releases where $clientId is null or client_id = $clientId group by client_id, run_id, data_set, unit
            """;

        public OwnerRecord Read()
        {
            var ends = Rows(SelectEnds, row => (Key: KeyOf(row), End: new EndRecord(row.GetString(3), row.GetString(4), Text(row, 5), row.GetInt64(6)))).ToLookup(end => end.Key, end => end.End);
            var releases = Rows(SelectReleases, row => new Spent(
                KeyOf(row), Enum.Parse<PrivacyUnit>(row.GetString(3), ignoreCase: true), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), Number(row, 7), Text(row, 8))).ToList();
            var runs = Rows(SelectTasks, row => (Key: KeyOf(row), Record: TasksOf(row))).ToDictionary(run => run.Key, run => run.Record);
            foreach (var spent in releases)
            {
                runs.TryAdd(spent.Key, Nothing(spent.Key, name: ""));
            }

            foreach (var (key, name, answered, refused, received) in Rows(SelectEvaluations, row => (KeyOf(row), row.GetString(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6))))
            {
                var run = runs.GetValueOrDefault(key) ?? Nothing(key, name);
                runs[key] = run with { Evaluated = answered, EvaluationsRefused = refused, ReceivedBytes = run.ReceivedBytes + received };
            }

            var (byRun, byData, byClient) = (
                releases.ToLookup(spent => spent.Key), releases.ToLookup(spent => (spent.Key.ClientId, spent.Key.DataSet)), releases.ToLookup(spent => spent.Key.ClientId));
            var clients =
                from run in runs
                group run by run.Key.ClientId into client
                orderby client.Key
                select new ClientRecord
                {
                    ClientId = client.Key,
                    DataSets = [.. byClient[client.Key].GroupBy(spent => spent.Key.DataSet).Select(all => new DataSetRecord { DataSet = all.Key, Units = Units(all, all) })],
                    Runs =
                    [
                        .. client.OrderBy(run => run.Value.FirstAskedAt ?? DateTimeOffset.MaxValue).ThenBy(run => run.Key.RunId).Select(run => run.Value with
                        {
                            Ends = [.. ends[run.Key]],
                            Units = Units(byRun[run.Key], byData[(run.Key.ClientId, run.Key.DataSet)]),
                        }),
                    ],
                };
            return new OwnerRecord { Clients = [.. clients] };
        }

        /// <param name="part">What is added up.</param>
        /// <param name="all">Every charge of the same data, which fixed the measure.</param>
        private List<UnitRecord> Units(IEnumerable<Spent> part, IEnumerable<Spent> all) =>
        [
            .. from spent in part
               group spent by spent.Unit into unit
               orderby unit.Key
               let first = all.FirstOrDefault(spent => spent.Unit == unit.Key && (spent.Alpha is not null || spent.Measure is not null))
               let measure = first is null ? null : PrivacyMeasure.Of(first.Measure, first.Alpha)
               let isBounded = unit.Sum(spent => spent.Tasks - spent.Unbounded) > 0
               select new UnitRecord
               {
                   Unit = unit.Key,
                   Tasks = unit.Sum(spent => spent.Tasks),
                   Unbounded = unit.Sum(spent => spent.Unbounded),
                   Epsilon = isBounded && measure is not null ? Pricing.EpsilonOf(unit.Sum(spent => spent.Units), measure, delta) : null,
                   Delta = delta,
               },
        ];

        private static RunRecord TasksOf(SqliteDataReader row) => Nothing(KeyOf(row), row.GetString(3)) with
        {
            Strategy = row.GetString(4),
            FirstAskedAt = Time(row, 5),
            LastAskedAt = Time(row, 6),
            Asked = row.GetInt64(7),
            Accepted = row.GetInt64(8),
            Open = row.GetInt64(9),
            Done = row.GetInt64(10),
            Interrupted = row.GetInt64(11),
            Refused = row.GetInt64(12),
            SentBytes = row.GetInt64(13),
            ReceivedBytes = row.GetInt64(14),
        };

        private static RunRecord Nothing(Key key, string name) => new()
        {
            RunId = Guid.Parse(key.RunId),
            Name = name,
            Strategy = "",
            DataSet = key.DataSet,
            FirstAskedAt = null,
            LastAskedAt = null,
            Asked = 0,
            Accepted = 0,
            Open = 0,
            Done = 0,
            Interrupted = 0,
            Refused = 0,
            Ends = [],
            Evaluated = 0,
            EvaluationsRefused = 0,
            SentBytes = 0,
            ReceivedBytes = 0,
            Units = [],
        };

        private static Key KeyOf(SqliteDataReader row) => new(row.GetString(0), row.GetString(1), row.GetString(2));

        private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

        private static double? Number(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetDouble(column);

        private static DateTimeOffset? Time(SqliteDataReader row, int column) =>
            Text(row, column) is { } text ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind) : null;

        private List<T> Rows<T>(string sql, Func<SqliteDataReader, T> read)
        {
            using var command = transaction.Connection!.CreateCommand();
            command.CommandText = sql;
            command.Transaction = transaction;
            command.Parameters.AddWithValue("$clientId", clientId ?? (object)DBNull.Value);
            using var reader = command.ExecuteReader();
            var rows = new List<T>();
            while (reader.Read())
            {
                rows.Add(read(reader));
            }

            return rows;
        }
    }

    private sealed record Key(string ClientId, string RunId, string DataSet);

    private sealed record Spent(Key Key, PrivacyUnit Unit, long Tasks, long Unbounded, long Units, double? Alpha, string? Measure);
}
