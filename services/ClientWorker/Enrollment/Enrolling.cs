using FlEvents.ClientWorker.Data;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using MassTransit;

namespace FlEvents.ClientWorker.Enrollment;

/// <summary>Offers the worker's clients to the Orchestrator, once after each start.</summary>
public sealed partial class Enrolling(
    TaskStore store, ClientData data, ClientRoster roster, WorkerIdentity worker, WorkerKey key, IBusControl bus, ILogger<Enrolling> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await bus.WaitForHealthStatus(BusHealthStatus.Healthy, stoppingToken);
            var counts = new Dictionary<string, int[]>();
            foreach (var dataSet in data.Names)
            {
                counts[dataSet] = await data.CountsAsync(dataSet, stoppingToken);
            }

            await store.EnrollAsync(Pages(counts), stoppingToken);
            LogOffered(worker.WorkerId, roster.Count);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Offered after the next start.
        }
    }

    private IEnumerable<EnrollClient> Pages(Dictionary<string, int[]> counts) =>
        Enumerable.Range(0, roster.Count).Chunk(Page.LargestOffered).Select(page => new EnrollClient
        {
            WorkerId = worker.WorkerId,
            Pool = roster.Pool,
            Clients = [.. page.Select(index => Profile(index, counts))],
        });

    private ClientProfile Profile(int index, Dictionary<string, int[]> counts) => new()
    {
        ClientId = roster.IdOf(index),
        KeySha256 = key.KeySha256,
        DataSets =
        [
            .. data.Names.Select(name => new ClientDataSet
            {
                Ledger = data.LedgerOf(name, index),
                ExampleCount = counts[name][index],
                PrivacyUnitColumn = data.UnitColumnOf(name),
            }),
        ],
    };

    [LoggerMessage(LogLevel.Information, "Worker {workerId} offers {clients} clients.")]
    private partial void LogOffered(string workerId, int clients);
}
