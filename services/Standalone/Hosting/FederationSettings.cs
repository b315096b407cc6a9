using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Hosting;

/// <summary>The four services' options for a simulation: what a deployment gives each of them by environment variables.</summary>
public static class FederationSettings
{
    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Name of the simulated clients' pool.</summary>
    public const string Pool = "client";

    /// <param name="stateFolder">Folder of the services' databases and blobs.</param>
    public static Stream Create(RunFile file, string stateFolder, Transport transport, int processors)
    {
        var data = file.Simulation.Data;
        return new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                Bus = new { Transport = transport },
                Orchestrator = new { DataFolder = Path.Combine(stateFolder, "orchestrator"), Durability = Durability.Process },
                Aggregator = new { DataFolder = Path.Combine(stateFolder, "aggregator"), Durability = Durability.Process, DataSets = data },
                PrivacyAccountant = new { DataFolder = Path.Combine(stateFolder, "privacy-accountant"), file.Simulation.Budgets },
                ClientWorker = new
                {
                    WorkerId = "simulation",
                    DataFolder = Path.Combine(stateFolder, "client-worker"),
                    Durability = Durability.Process,
                    Pool,
                    file.Simulation.Clients,
                    file.Simulation.Partition,
                    Slots = file.Simulation.Slots(processors),
                    PrivacyUnitColumns = file.Run.Data.PrivacyUnitColumn is { } column ? new Dictionary<string, string> { [file.Run.Data.DataSet] = column } : null,
                    DataSets = data.Where(entry => entry.Key == file.Run.Data.DataSet).ToDictionary(),
                },
            },
            Json));
    }
}
