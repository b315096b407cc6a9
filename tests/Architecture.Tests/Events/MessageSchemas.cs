using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Contracts.Tests;

namespace FlEvents.Architecture.Tests.Events;

/// <summary>JSON Schemas (draft 07) of the contracts' records and enums, from the records themselves.</summary>
internal static class MessageSchemas
{
    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>A reference to the schema of a record or an enum in the document.</summary>
    public static JsonObject Reference(Type type) => new() { ["$ref"] = $"#/components/schemas/{type.Name}" };

    /// <summary>The schema of an enum: its names as they are sent.</summary>
    public static JsonObject OfEnum(Type type) => new()
    {
        ["type"] = "string",
        ["enum"] = new JsonArray([.. Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.SerializeToNode(value, type, ContractTypes.Json))]),
    };

    /// <summary>The schema of a record's JSON. A reader passes over members that it does not know.</summary>
    public static JsonObject OfRecord(Type record)
    {
        var properties = record.GetProperties().Where(property => property.CanWrite).ToList();
        var schema = new JsonObject { ["type"] = "object" };
        Describe(schema, ContractComments.Of(record));
        schema["required"] = new JsonArray([.. properties.Where(IsRequired).Select(property => (JsonNode)Name(property))]);
        schema["properties"] = new JsonObject(properties.Select(property => KeyValuePair.Create(Name(property), (JsonNode?)OfProperty(property))));
        if (schema["required"]!.AsArray().Count == 0)
        {
            schema.Remove("required");
        }

        return schema;
    }

    private static bool IsRequired(PropertyInfo property) => property.GetCustomAttribute<RequiredMemberAttribute>() is not null;

    private static string Name(PropertyInfo property) => JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    private static JsonObject OfProperty(PropertyInfo property)
    {
        var isNull = Nullability.Create(property).ReadState == NullabilityState.Nullable;
        var schema = Of(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
        if (schema.ContainsKey("$ref") && (isNull || ContractComments.Of(property) is not null))
        {
            // Beside $ref nothing else counts.
            schema = new JsonObject { [isNull ? "anyOf" : "allOf"] = isNull ? new JsonArray(schema, new JsonObject { ["type"] = "null" }) : new JsonArray(schema) };
        }
        else if (isNull)
        {
            schema["type"] = new JsonArray(schema["type"]!.DeepClone(), "null");
        }

        Bound(schema, property);
        Describe(schema, ContractComments.Of(property));
        return schema;
    }

    private static JsonObject Of(Type type)
    {
        if (ContractTypes.ListElement(type) is { } element)
        {
            var items = Of(Nullable.GetUnderlyingType(element) ?? element);
            if (Nullable.GetUnderlyingType(element) is not null)
            {
                items["type"] = new JsonArray(items["type"]!.DeepClone(), "null");
            }

            return new JsonObject { ["type"] = "array", ["items"] = items };
        }

        return type switch
        {
            _ when type.IsEnum || ContractTypes.IsRecord(type) => Reference(type),
            _ when type == typeof(string) => new JsonObject { ["type"] = "string" },
            _ when type == typeof(bool) => new JsonObject { ["type"] = "boolean" },
            _ when type == typeof(int) => new JsonObject { ["type"] = "integer", ["format"] = "int32" },
            _ when type == typeof(long) => new JsonObject { ["type"] = "integer", ["format"] = "int64" },
            _ when type == typeof(double) => new JsonObject { ["type"] = "number", ["format"] = "double" },
            _ when type == typeof(Guid) => new JsonObject { ["type"] = "string", ["format"] = "uuid" },
            _ when type == typeof(DateTimeOffset) => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
            _ when type == typeof(TimeSpan) => new JsonObject { ["type"] = "string", ["pattern"] = @"^-?(\d+\.)?\d{2}:\d{2}:\d{2}(\.\d{7})?$" },
            _ => throw new NotSupportedException($"{type} has no schema yet."),
        };
    }

    private static void Bound(JsonObject schema, PropertyInfo property)
    {
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            schema["minimum"] = Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture);
            schema["maximum"] = Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture);
        }

        if (property.GetCustomAttribute<StringLengthAttribute>() is { } length)
        {
            schema["minLength"] = length.MinimumLength;
            schema["maxLength"] = length.MaximumLength;
        }

        if (property.GetCustomAttribute<RegularExpressionAttribute>() is { } pattern)
        {
            schema["pattern"] = $"^(?:{pattern.Pattern})$";
        }
    }

    private static void Describe(JsonObject schema, string? description)
    {
        if (description is not null)
        {
            schema["description"] = description;
        }
    }
}
