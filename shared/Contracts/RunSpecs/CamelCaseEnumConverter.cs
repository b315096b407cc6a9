using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>Writes an enum's members as camel-case names and refuses numbers.</summary>
public sealed class CamelCaseEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
