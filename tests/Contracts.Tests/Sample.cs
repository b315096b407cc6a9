using System.Collections;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FlEvents.Contracts.Tests;

/// <summary>Builds a record with every property filled, from the names and types of the properties alone: the same each time.</summary>
internal static class Sample
{
    private const int LongestName = 64;

    /// <summary>Every property has a value, each list one element.</summary>
    public static object Of(Type record) => Build(record, (_, property, type) => Plain(property, type));

    /// <summary>Every nullable property is null, each list is empty.</summary>
    public static object WithoutOptional(Type record) =>
        Build(record, (_, property, type) => IsNullable(property) ? null : type == typeof(IList) ? new Page(0) : Plain(property, type));

    /// <summary>Names of 64 characters and the longest numbers; lists of clients hold <paramref name="clients"/> of them, other lists one element.</summary>
    public static object Longest(Type record, int clients) =>
        Build(record, (owner, property, type) => type == typeof(IList) ? new Page(IsClientList(property) && owner == record ? clients : 1) : Long(property, type));

    /// <summary>Whether a property lists clients, as ids or as records that name one.</summary>
    public static bool IsClientList(PropertyInfo property) =>
        ContractTypes.ListElement(property.PropertyType) is { } element
        && (property.Name == "ClientIds" || element.GetProperty("ClientId") is not null);

    private sealed record Page(int Length);

    /// <param name="record">The record to build.</param>
    /// <param name="value">The value of a leaf property of the given type, or the length of a list (asked for with the type <see cref="IList"/>).</param>
    private static object Build(Type record, Func<Type, PropertyInfo, Type, object?> value)
    {
        var built = Activator.CreateInstance(record)!;
        foreach (var property in record.GetProperties().Where(property => property.CanWrite))
        {
            property.SetValue(built, Fill(record, property, property.PropertyType, value));
        }

        return built;
    }

    private static object? Fill(Type owner, PropertyInfo property, Type declared, Func<Type, PropertyInfo, Type, object?> value)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (ContractTypes.ListElement(type) is { } element)
        {
            if (value(owner, property, typeof(IList)) is not { } page)
            {
                return null;
            }

            var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element))!;
            for (var i = 0; i < ((page as Page)?.Length ?? 1); i++)
            {
                list.Add(Fill(owner, property, element, value));
            }

            return list;
        }

        return ContractTypes.IsRecord(type)
            ? value(owner, property, type) is null ? null : Build(type, value)
            : value(owner, property, type);
    }

    private static object Plain(PropertyInfo property, Type type)
    {
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(property.Name));
        return type switch
        {
            _ when type == typeof(string) => IsHash(property) ? Convert.ToHexStringLower(digest) : JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name),
            _ when type == typeof(Guid) => new Guid(digest.AsSpan(0, 16), bigEndian: true),
            _ when type == typeof(int) => 1 + digest[0],
            _ when type == typeof(long) => 5_000_000_000L + digest[0],
            _ when type == typeof(double) => digest[0] / 1000.0,
            _ when type == typeof(bool) => true,
            _ when type == typeof(TimeSpan) => TimeSpan.FromSeconds(90.5),
            _ when type == typeof(DateTimeOffset) => new DateTimeOffset(2030, 1, 2, 3, 4, 5, 678, TimeSpan.Zero),
            _ when type.IsEnum => Enum.GetValues(type).GetValue(Enum.GetValues(type).Length - 1)!,
            _ when type == typeof(IList) || ContractTypes.IsRecord(type) => type,
            _ => throw new NotSupportedException($"{property.DeclaringType!.Name}.{property.Name} has the type {type}: say here what a sample of it is."),
        };
    }

    private static object Long(PropertyInfo property, Type type) => type switch
    {
        _ when type == typeof(string) => new string('x', LongestName),
        _ when type == typeof(int) => int.MaxValue,
        _ when type == typeof(long) => long.MaxValue,
        _ when type == typeof(double) => -1.2345678901234567E-300,
        _ => Plain(property, type),
    };

    private static bool IsHash(PropertyInfo property) => property.Name == "Hash" || property.Name.EndsWith("Sha256", StringComparison.Ordinal);

    private static bool IsNullable(PropertyInfo property) =>
        new NullabilityInfoContext().Create(property).ReadState == NullabilityState.Nullable;
}
