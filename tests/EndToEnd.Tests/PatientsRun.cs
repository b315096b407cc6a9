using System.Globalization;
using System.Text.Json.Nodes;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A table that a silo holds and a run over it, which takes a second.</summary>
internal static class PatientsRun
{
    public const string DataSet = "patients";

    /// <summary>Writes a CSV file: a header, and so many rows with a number, a category and a class.</summary>
    public static Task WriteAsync(string path, int rows) => File.WriteAllLinesAsync(path, Enumerable.Range(0, rows).Select(Row).Prepend("age,sex,ill"));

    /// <summary>The body of <c>POST /runs</c>.</summary>
    /// <param name="mode">Privacy mode: none, example or local.</param>
    /// <param name="clients">Those that the run waits for.</param>
    public static JsonObject Body(string mode, int rounds, int clients) => JsonNode.Parse($$"""
        {
          "name": "{{mode}}",
          "rounds": {{rounds}},
          "model": { "name": "mlp", "hidden": [4], "inputShape": [4], "outputs": 2 },
          "data": {
            "dataSet": "{{DataSet}}",
            "columns": [
              { "name": "age", "kind": "numeric", "mean": 50, "scale": 20, "missing": 50 },
              { "name": "sex", "kind": "categorical", "categories": ["f", "m"], "other": true }
            ],
            "label": { "name": "ill", "classes": ["no", "yes"] }
          },
          "training": { "learningRate": 0.1, "momentum": 0.5, "batchSize": 12 },
          "selection": { "minimumClients": {{clients}}, "minimumReports": 1 },
          "privacy": { "mode": "{{mode}}"{{(mode == "none" ? "" : $", \"{mode}\": {{ \"clipNorm\": 1, \"noiseMultiplier\": 1 }}")}} }
        }
        """)!.AsObject();

    private static string Row(int row)
    {
        var age = 20 + (row * 7 % 60);
        return string.Create(CultureInfo.InvariantCulture, $"{(row % 9 == 0 ? "NA" : age)},{(row % 2 == 0 ? "f" : "m")},{(age > 50 ? "yes" : "no")}");
    }
}
