using Microsoft.Data.Sqlite;

namespace FlEvents.Faults.Tests;

/// <summary>
/// Collects, while a deployment runs, which bytes were made and received for which task: the services forget it with the round. Two outputs of one task
/// that both left the client are what a noised mode must never have without a further charge.
/// </summary>
internal sealed class OutputObserver : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private const string SelectTrained = "select reservation_id, update_sha256 from tasks where update_sha256 is not null";
    private const string SelectReceived = "select reservation_id, sha256 from upload union select reservation_id, sha256 from output";

    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<(string ReservationId, string Sha256)> _trained = [];
    private readonly HashSet<(string ReservationId, string Sha256)> _received = [];
    private readonly Task _watching;

    /// <param name="workers">Database files of the workers; one may be made later.</param>
    /// <param name="aggregator">The Aggregator's database file.</param>
    public OutputObserver(IReadOnlyList<string> workers, string aggregator)
    {
        _watching = Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                foreach (var worker in workers)
                {
                    Read(worker, SelectTrained, _trained);
                }

                Read(aggregator, SelectReceived, _received);
                await Task.Delay(Pause);
            }
        });
    }

    /// <summary>Outputs that a worker kept, by task. Read once the observer has stopped.</summary>
    public ILookup<string, string> Trained => _trained.ToLookup(output => output.ReservationId, output => output.Sha256);

    /// <summary>Outputs that the Aggregator received, by task.</summary>
    public ILookup<string, string> Received => _received.ToLookup(output => output.ReservationId, output => output.Sha256);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching;
        _stop.Dispose();
    }

    private static void Read(string path, string query, HashSet<(string, string)> found)
    {
        if (!File.Exists(path))
        {
            return;
        }

        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = query;
            using var row = command.ExecuteReader();
            while (row.Read())
            {
                found.Add((row.GetString(0), row.GetString(1)));
            }
        }
        catch (SqliteException)
        {
            // Being made, or being recovered by its owner: there is another look in a moment.
        }
    }
}
