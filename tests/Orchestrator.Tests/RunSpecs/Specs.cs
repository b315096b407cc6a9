using System.Text.Json.Nodes;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Tests.RunSpecs;

/// <summary>Run specifications as JSON for tests to change.</summary>
internal static class Specs
{
    public const string Images = """
        {
          "name": "digits",
          "rounds": 3,
          "model": { "name": "mlp", "hidden": [16], "inputShape": [1, 28, 28], "outputs": 10 },
          "data": { "dataSet": "digits" },
          "training": { "learningRate": 0.1, "batchSize": 32, "validationFraction": 0.1 },
          "selection": { "count": 5, "minimumReports": 3 },
          "evaluation": { "dataSet": "digits-test", "federated": true }
        }
        """;

    public const string Table = """
        {
          "name": "income",
          "rounds": 3,
          "model": { "name": "logistic", "inputShape": [4], "outputs": 1 },
          "data": {
            "dataSet": "income",
            "columns": [
              { "name": "age", "kind": "numeric", "mean": 40, "scale": 12 },
              { "name": "colour", "kind": "categorical", "categories": ["red", "blue"], "other": true }
            ],
            "label": { "name": "rich", "classes": ["no", "yes"] }
          },
          "training": { "loss": "binaryCrossEntropy", "learningRate": 0.1, "batchSize": 32 }
        }
        """;

    /// <summary>The errors of a specification with some of its values replaced, as lines <c>path: message</c>.</summary>
    /// <param name="json">The specification.</param>
    /// <param name="changes">Dotted path and JSON value, e.g. <c>training.learningRate = -1</c>; the value <c>-</c> removes the key.</param>
    public static string[] Errors(string json, params string[] changes) =>
        [.. RunSpecReader.Read(With(json, changes)).Errors.Select(error => error.ToString())];

    public static string With(string json, params string[] changes)
    {
        var root = JsonNode.Parse(json)!;
        foreach (var change in changes)
        {
            var (path, value) = (change.Split(" = ", 2)[0].Split('.'), change.Split(" = ", 2)[1]);
            var parent = path[..^1].Aggregate(root, (node, key) => int.TryParse(key, out var index) ? node[index]! : node[key] ??= new JsonObject());
            if (value == "-")
            {
                parent.AsObject().Remove(path[^1]);
            }
            else
            {
                parent[path[^1]] = JsonNode.Parse(value);
            }
        }

        return root.ToJsonString();
    }
}
