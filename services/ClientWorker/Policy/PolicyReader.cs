using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace FlEvents.ClientWorker.Policy;

/// <summary>Reads an owner's policy. A policy with anything in it that is not understood is none.</summary>
public static class PolicyReader
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        AllowDuplicateProperties = false,
        PropertyNameCaseInsensitive = false,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        NumberHandling = JsonNumberHandling.Strict,
        RespectNullableAnnotations = true,
    };

    /// <summary>Every rule with what its value looks like.</summary>
    private static readonly Dictionary<string, string> Forms = new()
    {
        ["runs"] = """a list such as [{"name": "study-*", "dataSet": "stays"}]""",
        ["models"] = """an object such as {"kinds": ["logistic", "mlp", "cnn", "layers"], "mostParameters": 100000}""",
        ["strategies"] = """a list such as ["fedAvg"]""",
        ["privacy"] = """an object such as {"modes": ["none", "example", "local", "central", "example+central"], "client": {"smallestNoiseMultiplier": 1, "perRound": {"epsilon": 1, "delta": 1e-5}, "inAll": {"rho": 0.5}}}""",
        ["hours"] = """an object such as {"timeZone": "Europe/Berlin", "from": "20:00", "to": "06:00"}""",
        ["bytesPerDay"] = """an object such as {"sent": 100000000, "received": 1000000000}""",
        ["evaluation"] = "true or false",
    };

    /// <summary>Reads the text of a policy.</summary>
    /// <returns>The policy, or every error in it, each a sentence.</returns>
    public static (OwnerPolicy? Policy, IReadOnlyList<string> Errors) Read(ReadOnlySpan<byte> text)
    {
        JsonObject rules;
        try
        {
            rules = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject
                ?? throw new JsonException("it is no object.");
        }
        catch (JsonException e)
        {
            return (null, [$"it can't be read as a JSON object: {e.Message}"]);
        }

        var errors = rules.Select(rule => Defect(rule.Key, rule.Value)).OfType<string>().ToList();

        // What can be read is looked at all the same, so that everything that is wrong is told at once.
        var good = new JsonObject(rules.Where(rule => Defect(rule.Key, rule.Value) is null).Select(rule => KeyValuePair.Create(rule.Key, rule.Value?.DeepClone())));
        var policy = good.Deserialize<OwnerPolicy>(Json)!;
        errors.AddRange(policy.Check());
        return errors.Count == 0 ? (policy, []) : (null, errors);
    }

    private static string? Defect(string name, JsonNode? value)
    {
        if (!Forms.TryGetValue(name, out var form))
        {
            return $"\"{name}\" is no rule: expected {string.Join(", ", Forms.Keys)}.";
        }

        try
        {
            new JsonObject { [name] = value?.DeepClone() }.Deserialize<OwnerPolicy>(Json);
            return value is null ? $"{name} is null: leave it out to forbid nothing." : null;
        }
        catch (JsonException e)
        {
            return $"{e.Path?.Replace("$.", "", StringComparison.Ordinal) ?? name} is not understood: expected {form}.";
        }
    }
}
