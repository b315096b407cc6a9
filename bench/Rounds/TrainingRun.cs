using System.Text.Json;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.Bench.Rounds;

/// <summary>A run in which a client trains for about a second: what its rounds take is what training takes.</summary>
public static class TrainingRun
{
    private const int ExamplesPerClient = 300;

    /// <summary>Writes the run file: an MLP of 784-200-200-10 on 300 generated digits for each client, batches of 10.</summary>
    /// <param name="folder">Where run.json goes.</param>
    /// <param name="rounds">Rounds of the run.</param>
    /// <param name="clients">All of them take part in every round.</param>
    /// <param name="epochs">Local epochs.</param>
    public static RunFile Create(TemporaryFolder folder, int rounds, int clients, int epochs) => SmallRun.Read(folder, Text(rounds, clients, epochs));

    private static string Text(int rounds, int clients, int epochs) => JsonSerializer.Serialize(new
    {
        run = new
        {
            name = "scale",
            rounds,
            model = new { name = "mlp", inputShape = new[] { 784 }, hidden = new[] { 200, 200 }, outputs = 10 },
            data = new { dataSet = "digits" },
            training = new { learningRate = 0.1, batchSize = 10, localEpochs = epochs },
            selection = new { minimumClients = clients, minimumReports = clients, leaseSeconds = 5 },
        },
        simulation = new
        {
            clients,
            data = new { digits = new { kind = "digits", count = clients * ExamplesPerClient, seed = 1 } },
        },
    });
}
