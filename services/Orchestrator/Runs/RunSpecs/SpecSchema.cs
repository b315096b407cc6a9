using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;

namespace FlEvents.Orchestrator.Runs;

/// <summary>The JSON Schema of run files and of their <c>run</c> part, from the same declarations that they are checked by. Rules over several keys are not in it.</summary>
public static class SpecSchema
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The schema as text, indented, with a line break at its end.</summary>
    /// <param name="type">What is described: a run file, or a part of one.</param>
    /// <param name="title">Its name, shown by editors.</param>
    public static string Create(Type type, string title)
    {
        var options = new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Complete };
        var exported = SpecKeys.Json.GetJsonSchemaAsNode(type, options).AsObject();
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = title,
        };
        foreach (var (key, value) in exported)
        {
            schema[key] = value?.DeepClone();
        }

        return schema.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Complete(JsonSchemaExporterContext context, JsonNode node)
    {
        var schema = node.AsObject();
        if (context.TypeInfo.Kind == JsonTypeInfoKind.Object)
        {
            schema["additionalProperties"] = false;
        }

        if (schema.ContainsKey("enum") && !schema.ContainsKey("type"))
        {
            var nullable = schema["enum"]!.AsArray().Any(name => name is null);
            schema["type"] = nullable ? new JsonArray("string", "null") : "string";
        }

        if (context.PropertyInfo is { } property && Key(property) is { } key)
        {
            Constrain(schema, key);
        }

        return schema;
    }

    private static SpecKey? Key(JsonPropertyInfo property) =>
        SpecKeys.Of(property.DeclaringType).FirstOrDefault(key => key.Name == property.Name);

    private static void Constrain(JsonObject schema, SpecKey key)
    {
        if (key.Description.Length > 0)
        {
            schema.Insert(0, "description", key.Description);
        }

        if (key is { Minimum: { } minimum, Maximum: { } maximum })
        {
            schema["minimum"] = Number(minimum, key.Type);
            schema["maximum"] = Number(maximum, key.Type);
        }

        if (key.MaximumLength is { } length)
        {
            schema["minLength"] = key.MinimumLength;
            schema["maxLength"] = length;
        }

        if (key.Pattern is { } pattern)
        {
            schema["pattern"] = $"^(?:{pattern})$";
        }

        if (key.Default is { } value && SpecKeys.Shape(key.Type).Kind == JsonTypeInfoKind.None)
        {
            schema["default"] = JsonSerializer.SerializeToNode(value, key.Type, SpecKeys.Json);
        }
    }

    private static JsonNode Number(double value, Type type) => type == typeof(double) ? value : (long)value;
}
