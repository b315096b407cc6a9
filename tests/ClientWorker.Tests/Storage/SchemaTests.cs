using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using FlEvents.ClientWorker.Policy;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.ClientWorker.Tests.Storage;

/// <summary>A worker's database that an earlier program has left.</summary>
public sealed class SchemaTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_task_that_was_taken_before_runs_had_names_is_taken_up_and_stays_in_the_record()
    {
        var command = Commands.Train("ward-000000");
        var told = JsonSerializer.SerializeToNode(command, JsonSerializerOptions.Web)!.AsObject();
        Assert.True(told.Remove("runName") && told.Remove("strategy"));
        await WriteFirstSchemaAsync(command, told);

        var settings = new DatabaseSettings { Name = "client-worker", Path = _folder.File("worker.db"), Synced = false, Schema = typeof(TaskStore).Assembly };
        await using var database = new Database(settings, new FakeTime(), NullLogger<Database>.Instance);
        var store = new TaskStore(database, new OwnerBooks(new PolicyFile(path: null, NullLogger<PolicyFile>.Instance)));

        var task = Assert.Single(store.Unfinished());
        Assert.Equal((TaskState.Accepted, "", StrategyName.FedAvg, command.LeaseToken), (task.State, task.Command.RunName, task.Command.Strategy, task.Command.LeaseToken));
        Assert.Equal(
            ["digits 2030-01-01T00:00:00.0000000Z"],
            database.Read(transaction => transaction.Query<string>("select data_set || ' ' || accepted_at from tasks where asked_at = accepted_at")));
    }

    private async Task WriteFirstSchemaAsync(TrainClient command, JsonObject told)
    {
        var assembly = typeof(TaskStore).Assembly;
        using var reader = new StreamReader(assembly.GetManifestResourceStream(assembly.GetManifestResourceNames().Single(name => name.EndsWith("001.sql", StringComparison.Ordinal)))!);
        await using var connection = new SqliteConnection($"Data Source={_folder.File("worker.db")};Pooling=false");
        connection.Execute(await reader.ReadToEndAsync());
        connection.Execute(
            """
            insert into tasks (reservation_id, run_id, round, client_id, lease_number, state, command, changed_at)
            values (@Reservation, @Run, 1, 'ward-000000', 1, 'Accepted', @Told, '2030-01-01T00:00:00.0000000Z');
            pragma user_version = 1
            """,
            new { Reservation = command.ReservationId.ToString("D"), Run = command.RunId.ToString("D"), Told = told.ToJsonString() });
    }
}
