using System.Text.Json;
using MassTransit.Serialization;

namespace FlEvents.Contracts.Tests;

/// <summary>The types of FlEvents.Contracts as the wire sees them.</summary>
internal static class ContractTypes
{
    /// <summary>The options that the services' bus writes and reads message bodies with: MassTransit's, without its indentation.</summary>
    public static JsonSerializerOptions Json { get; } = SystemTextJsonMessageSerializer.Options = new(SystemTextJsonMessageSerializer.Options) { WriteIndented = false };

    /// <summary>Every public record, by name.</summary>
    public static IReadOnlyList<Type> Records { get; } =
        [.. typeof(RoundStarted).Assembly.GetExportedTypes().Where(IsRecord).OrderBy(type => type.Name, StringComparer.Ordinal)];

    /// <summary>Every public enum, by name.</summary>
    public static IReadOnlyList<Type> Enums { get; } =
        [.. typeof(RoundStarted).Assembly.GetExportedTypes().Where(type => type.IsEnum).OrderBy(type => type.Name, StringComparer.Ordinal)];

    /// <summary>The records that no other record contains: they are sent by themselves.</summary>
    public static IReadOnlyList<Type> Messages { get; } =
        [.. Records.Except(Records.SelectMany(record => record.GetProperties()).Select(property => Part(property.PropertyType)))];

    /// <summary>What a property is made of: the element of a list, the value of a nullable.</summary>
    public static Type Part(Type type) => ListElement(type) is { } element ? Part(element) : Nullable.GetUnderlyingType(type) ?? type;

    /// <summary>The element type of a list; null for anything else.</summary>
    public static Type? ListElement(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    /// <summary>The compiler gives a record, and nothing else, a method of this name.</summary>
    public static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;
}
