using System.Text.Json.Nodes;

namespace FlEvents.Kubernetes.Tests;

/// <summary>One object of a manifest.</summary>
public sealed record KubernetesObject(JsonObject Json)
{
    public string ApiVersion => Json.Text("apiVersion") ?? "";

    public string Kind => Json.Text("kind") ?? "";

    public string Name => Json.Text("metadata", "name") ?? "";

    /// <summary>Empty for what is in no namespace.</summary>
    public string Namespace => Json.Text("metadata", "namespace") ?? "";

    public JsonObject Spec => Json.Object("spec") ?? [];

    public override string ToString() => $"{Kind}/{Name}";
}

/// <summary>Reads what may not be there.</summary>
public static class JsonPaths
{
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var key in path)
        {
            node = node is JsonObject json ? json[key] : null;
        }

        return node;
    }

    public static JsonObject? Object(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonObject;

    /// <summary>The objects of a list; none where there is no list.</summary>
    public static IEnumerable<JsonObject> Objects(this JsonNode? node, params ReadOnlySpan<string> path) => (node.At(path) as JsonArray ?? []).OfType<JsonObject>();

    /// <summary>The texts of a list of texts; none where there is no list.</summary>
    public static IReadOnlyList<string> Texts(this JsonNode? node, params ReadOnlySpan<string> path) => [.. (node.At(path) as JsonArray ?? []).Select(item => $"{item}")];

    /// <summary>A text, or a number or a truth as it is written.</summary>
    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) is JsonValue value ? value.ToString() : null;

    public static int? Number(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;

    public static bool? Truth(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) is JsonValue value && value.TryGetValue<bool>(out var truth) ? truth : null;

    public static IReadOnlyDictionary<string, string> Map(this JsonNode? node, params ReadOnlySpan<string> path) =>
        (node.Object(path) ?? []).ToDictionary(entry => entry.Key, entry => entry.Value.Text() ?? "");
}
