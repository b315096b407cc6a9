using Microsoft.Data.Sqlite;

namespace FlEvents.Faults.Tests;

/// <summary>Where a run's round stands when something is killed.</summary>
internal enum Phase
{
    /// <summary>The ledger has not answered for everyone.</summary>
    Reserving,

    /// <summary>Tasks are on the way; no worker holds one.</summary>
    Dispatching,

    /// <summary>A worker holds a task; no update is in.</summary>
    Training,

    /// <summary>The book has an update, and waits for others.</summary>
    Collecting,

    /// <summary>The Aggregator combines, or waits for the ledger's receipt.</summary>
    Closing,

    /// <summary>The run has no open round.</summary>
    Between,
}

/// <summary>Reads from the Orchestrator's database, while it is in use, where a run's round stands.</summary>
internal sealed class PhaseReader : IDisposable
{
    private const string SelectOpen = "select state, admitted from round where run_id = $run and state not in ('Done', 'Abandoned')";
    private readonly SqliteConnection _connection;

    public PhaseReader(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        _connection.Open();
    }

    public Phase Of(Guid runId)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = SelectOpen;
        command.Parameters.AddWithValue("$run", runId.ToString());
        using var row = command.ExecuteReader();
        return !row.Read() ? Phase.Between : (row.GetString(0), row.GetInt64(1)) switch
        {
            ("Planned", _) => Phase.Reserving,
            ("Dispatched", _) => Phase.Dispatching,
            ("Collecting", 0) => Phase.Training,
            ("Collecting", _) => Phase.Collecting,
            _ => Phase.Closing,
        };
    }

    public void Dispose() => _connection.Dispose();
}
