using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>A ledger in a folder of its own, which goes with it. May be closed and opened again, as a restart does.</summary>
internal sealed class LedgerFile : IAsyncDisposable
{
    private readonly bool _synced;
    private readonly bool _isOwn = true;
    private Database? _database;

    public LedgerFile(bool synced = true)
    {
        _synced = synced;
        Folder = Directory.CreateTempSubdirectory("ledger-").FullName;
        Path = System.IO.Path.Combine(Folder, "ledger.db");
    }

    /// <summary>A file that is there; it stays. A backup is opened as what it is, and its ledger not quarantined.</summary>
    public LedgerFile(string path)
    {
        (_synced, _isOwn, Path) = (false, false, path);
        Folder = System.IO.Path.GetDirectoryName(path)!;
    }

    public string Folder { get; }

    public LedgerPolicy Policy { get; init; } = new();

    public string Path { get; }

    public Database Database => _database ??= new Database(
        new DatabaseSettings { Name = "privacy-accountant", Path = Path, Synced = _synced, Schema = typeof(LedgerStore).Assembly },
        TimeProvider.System,
        NullLogger<Database>.Instance);

    public LedgerStore Store => new(Database);

    /// <summary>Decides about a message and saves the decision, at noon.</summary>
    public Task<LedgerDecision> ApplyAsync(object message) => Database.WriteAsync(
        transaction =>
        {
            var decision = message switch
            {
                ReserveBudget m => Ledger.On(LedgerStore.Load(transaction, m), m, Policy, Messages.Noon),
                CommitBudget m => Ledger.On(LedgerStore.Load(transaction, m), m, Messages.Noon),
                ChargeOutput m => Ledger.On(LedgerStore.Load(transaction, m), m, Messages.Noon),
                BudgetWish wish => Granted(LedgerStore.Load(transaction, Messages.LedgerOf(wish.Owner)), wish),
                RefundBudget m => Ledger.On(LedgerStore.Load(transaction, m), m, Messages.Noon),
                _ => throw new ArgumentException($"{message} is no message to the ledger."),
            };
            LedgerStore.Save(transaction, decision);
            return decision;
        },
        CancellationToken.None);

    private static LedgerDecision Granted(LedgerState state, BudgetWish wish)
    {
        try
        {
            return Ledger.On(state, Messages.LedgerOf(wish.Owner), wish.Unit, wish.Terms, Messages.Noon);
        }
        catch (OtherMeasureException)
        {
            return new LedgerDecision { State = state, Entries = [], Ledgers = [], Messages = [] };
        }
    }

    public async Task CloseAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
            _database = null;
        }
    }

    /// <summary>Changes the file behind the program's back.</summary>
    public void Tamper(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        if (_isOwn)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
