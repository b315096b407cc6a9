using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Plans;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;
using Microsoft.Data.Sqlite;

namespace FlEvents.Standalone.Tests.Privacy;

/// <summary>A federation in this process whose run its budgets have ended; it answers until the tests are done.</summary>
public class BudgetedRun : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private Federation? _federation;

    /// <summary>Of the example unit's budget the run ends.</summary>
    public BudgetedRun()
        : this("""{ "example": { "epsilon": 5.5, "delta": 1e-5 }, "client": { "epsilon": 8, "delta": 1e-5, "alpha": 4 } }""")
    {
    }

    protected BudgetedRun(string budgets) => File = PrivateRun.Read(PrivateRun.ExampleCentral, $"simulation.budgets={budgets}", "rounds=5");

    public RunFile File { get; }

    public RunPlan Plan { get; private set; } = null!;

    public string Folder => _folder.Path;

    public Uri Url => new($"{_federation!.Url}/");

    /// <summary>The run as it ended.</summary>
    public RunView Run { get; private set; } = null!;

    public IReadOnlyList<RoundView> Rounds { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        _federation = await Federation.StartAsync(File, _folder.File("state"), Transport.Memory, "http://127.0.0.1:0", CancellationToken.None);
        await foreach (var change in _federation.RunAsync(CancellationToken.None))
        {
            Run = change.Run;
        }

        Plan = RunPlans.Of(File, ClientExamples.Of(File).Declared, TimeSpan.FromSeconds(1), processors: 2);
        Rounds = _federation.Results(Run.RunId).Rounds;
    }

    /// <summary>The run in figures, with what its clients have spent by its ledger.</summary>
    public SummaryFile Summarised()
    {
        var (rounds, contributions) = _federation!.Results(Run.RunId);
        return Summary.Create(Run, rounds, contributions, _federation.Spending(contributions), TimeSpan.FromSeconds(1), "1.0");
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_federation is not null)
        {
            await _federation.DisposeAsync();
        }

        _folder.Dispose();
    }

    /// <summary>Copies the ledger into a folder as one file, in which nothing is left in the write-ahead log.</summary>
    /// <returns>The file's path.</returns>
    public string CopyLedger(string folder)
    {
        var copy = Path.Combine(folder, "ledger.db");
        foreach (var end in new[] { "", "-wal" })
        {
            System.IO.File.Copy(_folder.File("state", "privacy-accountant", $"ledger.db{end}"), copy + end);
        }

        Execute(copy, "pragma wal_checkpoint(truncate)");
        System.IO.File.Delete($"{copy}-wal");
        System.IO.File.Delete($"{copy}-shm");
        return copy;
    }

    /// <summary>Runs SQL on a database.</summary>
    public static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
