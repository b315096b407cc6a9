using Dapper;
using FlEvents.Contracts;
using FlEvents.PrivacyAccountant;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.CrashPoints.Tests;

/// <summary>What the services have left on the disk, each read from its own database.</summary>
internal sealed record Remains
{
    /// <summary>Hashes of released models, by run and round; the initial ones, which need no round, left out.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary>Every model that was ever named for a round: by the book, or in a message that was committed.</summary>
    public required IReadOnlyList<(string RoundId, string Sha256)> Named { get; init; }

    /// <summary>Round and client of each update in a book.</summary>
    public required IReadOnlyList<string> Admitted { get; init; }

    /// <summary>Round and client of each update that the Orchestrator counts.</summary>
    public required IReadOnlyList<string> Counted { get; init; }

    /// <summary>Round, client, unit and state of each charge.</summary>
    public required IReadOnlyList<string> Charges { get; init; }

    /// <summary>Name and state of each run.</summary>
    public required IReadOnlyList<string> Runs { get; init; }

    /// <summary>Database and type of each message in quarantine, and why it is there.</summary>
    public required IReadOnlyList<string> Quarantined { get; init; }

    private const string SelectQuarantined = "select type || ' ' || reason || ': ' || detail from quarantine";

    private const string SelectModels = "select sha256 from model where version > 0 order by run_id, version";

    private const string SelectNamed = """
        select round_id RoundId, result_sha256 Sha256 from book where result_sha256 is not null
        union select json_extract(body, '$.roundId'), json_extract(body, '$.model.sha256') from outbox where type = 'RoundAggregated'
        """;

    private const string SelectAdmitted = """
        select b.round || ' ' || m.client_id from book_member m join book b using (round_id) where m.state = 'Admitted' order by 1
        """;

    private const string SelectCounted = """
        select r.number || ' ' || m.client_id from member m join round r using (round_id) where m.state = 'Admitted' order by 1
        """;

    private const string SelectCharges = "select round || ' ' || client_id || ' ' || unit || ' ' || state from reservation order by 1";

    private const string SelectRuns = "select json_extract(spec, '$.name') || ' ' || state from run order by 1";

    public static Remains In(string folder) => new()
    {
        Models = Read<string>(Aggregator(folder), SelectModels),
        Named = [.. Read<NamedRow>(Aggregator(folder), SelectNamed).Select(row => (row.RoundId, row.Sha256))],
        Admitted = Read<string>(Aggregator(folder), SelectAdmitted),
        Counted = Read<string>(Path.Combine(folder, "orchestrator", "orchestrator.db"), SelectCounted),
        Charges = Read<string>(Path.Combine(folder, "privacy-accountant", "ledger.db"), SelectCharges),
        Runs = Read<string>(Path.Combine(folder, "orchestrator", "orchestrator.db"), SelectRuns),
        Quarantined = [.. from path in Directory.EnumerateFiles(folder, "*.db", SearchOption.AllDirectories) from type in Read<string>(path, SelectQuarantined) select $"{Path.GetFileName(path)} {type}"],
    };

    /// <summary>What must not be so, whatever was told and wherever it was broken off.</summary>
    /// <param name="earlier">What was left after each earlier end.</param>
    public async Task<List<string>> FaultsAsync(string folder, IEnumerable<Remains> earlier)
    {
        var faults = new List<string>();
        foreach (var round in earlier.Append(this).SelectMany(remains => remains.Named).Distinct().GroupBy(named => named.RoundId).Where(round => round.Count() > 1))
        {
            faults.Add($"Round {round.Key} has had {round.Count()} models.");
        }

        if (!Admitted.SequenceEqual(Counted))
        {
            faults.Add($"In the books are {string.Join(", ", Admitted)}; counted are {string.Join(", ", Counted)}.");
        }

        faults.AddRange(Charges.Where(charge => charge.EndsWith("reserved", StringComparison.Ordinal)).Select(charge => $"Charge {charge} is still open."));
        var left = Directory.EnumerateFiles(Path.Combine(folder, "aggregator", "unreleased")).Concat(StagedIn(folder)).ToList();
        faults.AddRange(left.Select(file => $"{Path.GetRelativePath(folder, file)} was left behind."));
        if (await LedgerFaultAsync(folder) is { } fault)
        {
            faults.Add($"The ledger does not verify: {fault}");
        }

        return faults;
    }

    private static IEnumerable<string> StagedIn(string folder) => Directory.EnumerateFiles(folder, "staged-*", SearchOption.AllDirectories);

    private static async Task<string?> LedgerFaultAsync(string folder)
    {
        var settings = new DatabaseSettings
        {
            Name = "privacy-accountant",
            Path = Path.Combine(folder, "privacy-accountant", "ledger.db"),
            Synced = false,
            Schema = typeof(LedgerStore).Assembly,
        };
        await using var database = new LedgerDatabase(settings, TimeProvider.System, NullLogger<Database>.Instance);
        var ledger = new LedgerStore(database);
        return LedgerVerification.FirstFault(ledger.Entries(after: 0, limit: 1000), ledger.Receipts())?.ToString() ?? AuditFault(database);
    }

    private static string? AuditFault(LedgerDatabase database)
    {
        var head = HashChain.Empty;
        foreach (var row in database.Read(transaction => AuditStore.Page(transaction, after: 0, limit: 1000)))
        {
            if (AuditChain.FaultOf(head, row) is { } fault)
            {
                return $"row {row.Sequence} of the audit log: {fault}";
            }

            head = new ChainHead(row.Sequence, row.Hash);
        }

        return null;
    }

    private static string Aggregator(string folder) => Path.Combine(folder, "aggregator", "aggregator.db");

    // After a death at the very first points a database is not there yet.
    private static List<T> Read<T>(string path, string query)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        try
        {
            return connection.Query<T>(query).AsList();
        }
        catch (SqliteException e) when (e.Message.Contains("no such table", StringComparison.Ordinal))
        {
            return [];
        }
    }

    private sealed record NamedRow
    {
        public string RoundId { get; init; } = "";
        public string Sha256 { get; init; } = "";
    }
}
