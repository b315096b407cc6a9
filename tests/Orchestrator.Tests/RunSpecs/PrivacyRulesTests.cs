using System.Text;
using System.Text.Json.Nodes;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Tests.RunSpecs;

/// <summary>What a private run is refused for, each with its path and its reason.</summary>
public class PrivacyRulesTests
{
    private const string Run = """
        {
          "name": "private", "rounds": 3, "model": { "name": "mlp", "hidden": [8], "inputShape": [4], "outputs": 2 }, "data": { "dataSet": "plants" },
          "training": { "learningRate": 0.1, "batchSize": 8 },
          "selection": { "count": 4, "minimumClients": 4 },
          "privacy": { "mode": "central", "central": { "clipNorm": 1, "noiseMultiplier": 2 } }
        }
        """;

    [Fact]
    public void A_private_run_without_anything_beside_it_is_taken() => Assert.Empty(Errors([]));

    [Theory]
    [InlineData("evaluation", """{ "federated": true }""", "$.evaluation.federated: expected false in a private run")]
    [InlineData("training", """{ "learningRate": 0.1, "batchSize": 8, "validationFraction": 0.2 }""", "$.training.validationFraction: expected 0 in a private run")]
    [InlineData("selection", """{ "count": 4, "closeOnTarget": true }""", "$.selection.closeOnTarget: expected false in a private run")]
    [InlineData("keepUpdates", "\"all\"", "$.keepUpdates: expected none in a private run")]
    [InlineData("selection", "{}", "$.selection.count: missing; expected the number of clients in mode central")]
    [InlineData("selection", """{ "count": 4, "minimumClients": 9 }""", "$.selection.minimumClients: expected at most the cohort's count, 4")]
    [InlineData("aggregation", """{ "weights": "examples" }""", "$.aggregation.weights: expected uniform in mode central")]
    [InlineData("aggregation", """{ "lateRounds": 1 }""", "$.aggregation.lateRounds: expected 0 in mode central")]
    [InlineData("privacy", """{ "mode": "central" }""", "$.privacy.central: missing; expected the clipping norm and the noise of mode central")]
    [InlineData("privacy", """{ "mode": "none", "local": { "clipNorm": 1, "noiseMultiplier": 2 } }""", "$.privacy.local: expected a mode with local, got mode none")]
    [InlineData("privacy", """{ "mode": "local", "local": { "clipNorm": 0, "noiseMultiplier": 2 } }""", "$.privacy.local.clipNorm: expected")]
    [InlineData("privacy", """{ "mode": "secret" }""", "$.privacy.mode: expected one of none, example, local, central, example+central, local+central")]
    [InlineData("privacy", """{ "mode": "local+central", "local": { "clipNorm": 2, "noiseMultiplier": 2 }, "central": { "clipNorm": 1, "noiseMultiplier": 2 } }""", "$.privacy.central.clipNorm: expected that of local, 2")]
    [InlineData("privacy", """{ "mode": "central", "central": { "clipNorm": 1, "noiseMultiplier": 2, "adaptive": { "smallestNorm": 2, "largestNorm": 9 } } }""", "$.privacy.central.clipNorm: expected to begin in the range it adapts in, 2 to 9, got 1")]
    [InlineData("privacy", """{ "mode": "central", "central": { "clipNorm": 1, "noiseMultiplier": 2, "adaptive": { "smallestNorm": 2, "largestNorm": 1 } } }""", "$.privacy.central.adaptive.largestNorm: expected at least smallestNorm, 2, got 1")]
    [InlineData("privacy", """{ "mode": "central", "central": { "clipNorm": 1, "noiseMultiplier": 2, "adaptive": { "smallestNorm": 0.1, "largestNorm": 9, "countNoise": 1 } } }""", "$.privacy.central.adaptive.countNoise: expected more than half the noise multiplier, 1, or")]
    [InlineData("privacy", """{ "mode": "local+central", "local": { "clipNorm": 1, "noiseMultiplier": 2 }, "central": { "clipNorm": 1, "noiseMultiplier": 2, "adaptive": { "smallestNorm": 0.1, "largestNorm": 9 } } }""", "$.privacy.central.adaptive: expected none in mode local+central")]
    [InlineData("privacy", """{ "mode": "local", "local": { "clipNorm": 1, "noiseMultiplier": 2, "noiseByExamples": [{ "examples": 10, "noiseMultiplier": 2 }] } }""", "$.privacy.local.noiseByExamples[0].noiseMultiplier: expected less than 2")]
    [InlineData("privacy", """{ "mode": "example", "example": { "clipNorm": 1, "noiseMultiplier": 2, "noiseByExamples": [{ "examples": 10, "noiseMultiplier": 1 }, { "examples": 10, "noiseMultiplier": 0.5 }] } }""", "$.privacy.example.noiseByExamples[1].examples: expected more than 10")]
    public void What_the_guarantee_would_not_hold_with_is_refused_with_its_reason(string key, string value, string expected) =>
        Assert.Contains(Errors([(key, value)]), error => error.StartsWith(expected, StringComparison.Ordinal));

    private static List<string> Errors((string Key, string Value)[] changes)
    {
        var run = JsonNode.Parse(Run)!.AsObject();
        foreach (var (key, value) in changes)
        {
            run[key] = JsonNode.Parse(value);
        }

        return [.. RunSpecReader.Read(Encoding.UTF8.GetBytes(run.ToJsonString())).Errors.Select(error => $"{error.Path}: {error.Message}")];
    }
}
