using FlEvents.Testing;
using Microsoft.Data.Sqlite;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A moment of a run, as the databases in its folder show it: once it has come it stays.</summary>
/// <param name="Name">What has happened, in words.</param>
/// <param name="Database">Database file below the run's state.</param>
/// <param name="Query">SQL whose value is 1 once it has happened.</param>
internal sealed record Moment(string Name, string Database, string Query)
{
    private const string Orchestrator = "orchestrator/orchestrator.db";
    private const string Accountant = "privacy-accountant/ledger.db";
    private const string Worker = "client-worker/client-worker.db";
    private const string Aggregator = "aggregator/aggregator.db";

    public static Moment Created => new("the run is created", Orchestrator, "select exists (select 1 from run)");

    public static Moment Charged(int round) => new(
        $"the ledger has charged round {round}", Accountant, $"select exists (select 1 from reservation where round = {round})");

    public static Moment Training(int round) => new(
        $"a client trains in round {round}", Worker, $"select exists (select 1 from tasks where round = {round})");

    public static Moment Trained(int round) => new(
        $"a client has trained in round {round}", Worker, $"select exists (select 1 from tasks where round = {round} and update_sha256 is not null)");

    public static Moment Received(int round) => new(
        $"the Aggregator has bytes of round {round}",
        Aggregator,
        $"select exists (select 1 from upload join book_member using (reservation_id) join book using (round_id) where round = {round})");

    public static Moment Admitted(int round, int count) => new(
        $"round {round} has {count} updates", Aggregator, $"select exists (select 1 from book where round = {round} and admitted >= {count})");

    public static Moment Frozen(int round) => new(
        $"round {round} is being combined", Aggregator, $"select exists (select 1 from book where round = {round} and state <> 'Open')");

    public static Moment Released(int round) => new(
        $"the model of round {round} is out", Aggregator, $"select exists (select 1 from book where round = {round} and state = 'Released')");

    /// <summary>Waits for it in the folder of a run.</summary>
    /// <exception cref="InvalidOperationException">The program ended before.</exception>
    public Task InAsync(string folder, ChildProcess program) => InDatabaseAsync(Path.Combine(folder, "state", Database), program);

    /// <summary>Waits for it in the database file of a service.</summary>
    /// <exception cref="InvalidOperationException">The program ended before.</exception>
    public Task InDatabaseAsync(string path, ChildProcess program) => Eventually.HoldsAsync(Name, () => program.HasExited
        ? throw new InvalidOperationException($"The program ended before {Name}:\n{string.Join('\n', program.Output)}")
        : HasCome(path));

    /// <summary>Whether it has come in a database file.</summary>
    public bool HasCome(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = Query;
            return command.ExecuteScalar() is 1L;
        }
        catch (SqliteException)
        {
            // The database is being made, or its owner has it for itself at this instant.
            return false;
        }
    }
}
