using System.Collections.Concurrent;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FlEvents.Orchestrator.Runs;

/// <summary>One key of a specification, as its record declares it: the single source of checks, of the JSON Schema and of the documentation.</summary>
public sealed record SpecKey
{
    /// <summary>Name in JSON.</summary>
    public required string Name { get; init; }

    /// <summary>Type of the value, without <c>Nullable</c>.</summary>
    public required Type Type { get; init; }

    /// <summary>Whether <c>null</c> may be written, which means the same as leaving the key out.</summary>
    public required bool Nullable { get; init; }

    public required bool Required { get; init; }

    /// <summary>Value when the key is left out; null for none.</summary>
    public required object? Default { get; init; }

    public required string Description { get; init; }

    /// <summary>Smallest number allowed; null without a bound.</summary>
    public required double? Minimum { get; init; }

    /// <summary>Largest number allowed; null without a bound.</summary>
    public required double? Maximum { get; init; }

    /// <summary>Fewest characters, 0 without a bound.</summary>
    public required int MinimumLength { get; init; }

    /// <summary>Most characters; null without a bound.</summary>
    public required int? MaximumLength { get; init; }

    /// <summary>Regular expression that the whole text matches; null without one.</summary>
    public required string? Pattern { get; init; }
}

/// <summary>The keys of specification records, read from their properties and attributes.</summary>
public static class SpecKeys
{
    private static readonly ConcurrentDictionary<Type, IReadOnlyList<SpecKey>> Known = new();

    /// <summary>How specifications are written: camel-case names, exact case, numbers as numbers.</summary>
    public static JsonSerializerOptions Json { get; } = CreateOptions();

    /// <summary>The keys of a record, in the order of its declaration.</summary>
    public static IReadOnlyList<SpecKey> Of(Type record) => Known.GetOrAdd(record, Read);

    /// <summary>Shape of a type's values in JSON.</summary>
    public static JsonTypeInfo Shape(Type type) => Json.GetTypeInfo(type);

    /// <summary>The names of an enumeration as they are written in JSON.</summary>
    public static IReadOnlyList<string> Names(Type enumeration) =>
        [.. Enum.GetNames(enumeration).Select(name =>
            enumeration.GetField(name)!.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(name))];

    private static List<SpecKey> Read(Type record)
    {
        // Reflection may leave `required` members unset; what the initialisers put in is the default of each key.
        var defaults = Activator.CreateInstance(record);
        return [.. Shape(record).Properties.Where(property => property.Set is not null).Select(property => Read(property, defaults))];
    }

    private static SpecKey Read(JsonPropertyInfo property, object? defaults)
    {
        var range = Attribute<RangeAttribute>(property);
        var length = Attribute<StringLengthAttribute>(property);
        return new SpecKey
        {
            Name = property.Name,
            Type = System.Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType,
            Nullable = property.IsSetNullable,
            Required = property.IsRequired,
            Default = property.IsRequired ? null : property.Get?.Invoke(defaults!),
            Description = Attribute<DescriptionAttribute>(property)?.Description ?? "",
            Minimum = range is null ? null : Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture),
            Maximum = range is null ? null : Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture),
            MinimumLength = length?.MinimumLength ?? 0,
            MaximumLength = length?.MaximumLength,
            Pattern = Attribute<RegularExpressionAttribute>(property)?.Pattern,
        };
    }

    private static T? Attribute<T>(JsonPropertyInfo property)
        where T : Attribute =>
        property.AttributeProvider?.GetCustomAttributes(typeof(T), inherit: true).OfType<T>().FirstOrDefault();

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            RespectNullableAnnotations = true,
            ReadCommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            WriteIndented = true,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        };
        options.MakeReadOnly();
        return options;
    }
}
