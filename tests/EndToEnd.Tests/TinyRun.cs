using System.Text;
using System.Text.Json.Nodes;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A run that takes a second: 300 generated digits among four clients, a small network, three rounds.</summary>
internal static class TinyRun
{
    public const int Clients = 4;
    public const int Rounds = 3;

    public const string Json = """
        {
          "run": {
            "name": "tiny",
            "seed": 5,
            "rounds": 3,
            "model": { "name": "mlp", "hidden": [16], "inputShape": [1, 28, 28], "outputs": 10 },
            "data": { "dataSet": "digits", "image": { "mean": 0.13, "scale": 0.31 } },
            "training": { "learningRate": 0.1, "batchSize": 16, "validationFraction": 0.2 },
            "selection": { "minimumClients": 4, "minimumReports": 4 },
            "evaluation": { "dataSet": "digits-test", "federated": true }
          },
          "simulation": {
            "clients": 4,
            "workers": 2,
            "data": {
              "digits": { "kind": "digits", "count": 300, "seed": 1 },
              "digits-test": { "kind": "digits", "count": 100, "seed": 2 }
            }
          }
        }
        """;

    /// <summary>The run file with changes as for <c>--set</c>.</summary>
    public static RunFile Read(params string[] changes)
    {
        var (file, errors) = RunFileReader.Read(Encoding.UTF8.GetBytes(Json), AppContext.BaseDirectory, changes, _ => null);
        Assert.Empty(errors);
        return file!;
    }

    /// <summary>The body of <c>POST /runs</c>.</summary>
    public static JsonObject Body() => JsonNode.Parse(Json)!["run"]!.DeepClone().AsObject();
}
