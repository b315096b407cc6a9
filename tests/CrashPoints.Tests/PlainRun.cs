using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.CrashPoints.Tests;

/// <summary>Two clients, two rounds and a network of a few weights.</summary>
internal static class PlainRun
{
    public const int Clients = 2;
    public const int Rounds = 2;

    public const string Json = """
        {
          "run": {
            "name": "plain",
            "seed": 5,
            "rounds": 2,
            "model": { "name": "mlp", "hidden": [4], "inputShape": [1, 28, 28], "outputs": 10 },
            "data": { "dataSet": "digits", "image": { "mean": 0.13, "scale": 0.31 } },
            "training": { "learningRate": 0.1, "batchSize": 16 },
            "selection": { "minimumClients": 2, "minimumReports": 2, "maximumAbandonedRounds": 1 }
          },
          "simulation": {
            "clients": 2,
            "workers": 2,
            "data": {
              "digits": { "kind": "digits", "count": 40, "seed": 1 },
              "digits-test": { "kind": "digits", "count": 20, "seed": 2 }
            }
          }
        }
        """;

    public static readonly string[] Local = ["privacy.mode=local", "privacy.local.clipNorm=1", "privacy.local.noiseMultiplier=1"];

    public static readonly IReadOnlyDictionary<string, string[]> ChangesOfMode = new Dictionary<string, string[]>
    {
        ["none"] = ["training.validationFraction=0.2", "evaluation.dataSet=digits-test", "evaluation.federated=true"],
        ["local"] = Local,
        ["central"] = ["privacy.mode=central", "privacy.central.clipNorm=1", "privacy.central.noiseMultiplier=1", "selection.count=2"],
    };

    /// <summary>The run file with changes as for <c>--set</c>.</summary>
    public static RunFile Read(params IReadOnlyList<string> changes)
    {
        var (file, errors) = RunFileReader.Read(Encoding.UTF8.GetBytes(Json), AppContext.BaseDirectory, changes, _ => null);
        Assert.True(errors.Count == 0, string.Join('\n', errors));
        return file!;
    }

    /// <summary>The body of <c>POST /runs</c> with changes, unchecked: what the API takes may not fit the simulation.</summary>
    public static string Body(IEnumerable<string> changes)
    {
        var run = JsonNode.Parse(Json)!["run"]!.AsObject();
        foreach (var change in changes)
        {
            var (path, value) = (change.Split('=')[0].Split('.'), change.Split('=')[1]);
            var place = path[..^1].Aggregate(run, (parent, key) => (parent[key] ??= new JsonObject()).AsObject());
            place[path[^1]] = char.IsAsciiDigit(value[0]) ? JsonNode.Parse(value) : JsonValue.Create(value);
        }

        return run.ToJsonString(JsonSerializerOptions.Web);
    }
}
