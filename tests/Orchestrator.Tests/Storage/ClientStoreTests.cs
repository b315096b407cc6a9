using FlEvents.Contracts;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.Orchestrator.Tests.Storage;

public sealed class ClientStoreTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly OrchestratorDatabase _database;

    public ClientStoreTests() => _database = new OrchestratorDatabase(
        new DatabaseSettings { Name = "orchestrator", Path = _folder.File("orchestrator.db"), Synced = false, Schema = typeof(ClientStore).Assembly },
        TimeProvider.System,
        NullLogger<Database>.Instance);

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("patient", "north", 7)]
    [InlineData(null, "south", 30)]
    [InlineData("person", null, 0)]
    public async Task A_run_draws_from_the_clients_that_count_its_privacy_units(string? column, string? clientId, int examples)
    {
        await EnrollAsync("north", "patient", 7);
        await EnrollAsync("south", null, 30);

        var eligible = _database.Read(transaction =>
            ClientStore.Eligible(transaction, new DataSpec { DataSet = "visits", PrivacyUnitColumn = column }, TimeSpan.FromHours(1)));

        Assert.Equal(clientId is null ? [] : [(clientId, examples)], eligible.Select(client => (client.ClientId, client.Data.ExampleCount)));
    }

    private async Task EnrollAsync(string clientId, string? column, int examples) => await _database.WriteAsync(
        transaction =>
        {
            var ledger = new LedgerIdentity { Owner = clientId, DataSet = "visits", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 };
            Assert.Null(ClientStore.Enroll(transaction, pool: null, new ClientProfile
            {
                ClientId = clientId,
                DataSets = [new ClientDataSet { Ledger = ledger, ExampleCount = examples, PrivacyUnitColumn = column }],
            }));
            ClientStore.Heard(transaction, new WorkerHeartbeat { WorkerId = clientId, Pool = null, ClientId = clientId, Slots = 1, Running = 0 });
            return true;
        },
        TestContext.Current.CancellationToken);
}
