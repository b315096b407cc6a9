using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace FlEvents.Learning.Data;

/// <summary>Rules that every declaration shares. Paths are JSON names; for a rule over several properties, the one to change.</summary>
internal static class DeclarationRules
{
    /// <summary>An error for every property whose value is outside its <see cref="RangeAttribute"/> or <see cref="StringLengthAttribute"/>.</summary>
    public static IEnumerable<SpecError> OutOfRange(object declaration)
    {
        foreach (var property in declaration.GetType().GetProperties())
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            var value = property.GetValue(declaration);
            if (property.GetCustomAttribute<StringLengthAttribute>() is { } length && !length.IsValid(value))
            {
                yield return new SpecError(name, $"{name} is '{value}'; expected {length.MinimumLength} to {length.MaximumLength} characters.");
            }

            if (property.GetCustomAttribute<RangeAttribute>() is { } range && !range.IsValid(value))
            {
                var message = string.Create(CultureInfo.InvariantCulture, $"{name} is {value}; expected {range.Minimum} to {range.Maximum}.");
                yield return new SpecError(name, message);
            }
        }
    }

    /// <summary>An error where a property that <paramref name="owner"/> needs is absent, or one that it does not take is given.</summary>
    public static IEnumerable<SpecError> Presence(string owner, params IEnumerable<(string Property, object? Value, bool Needed, bool Taken)> properties)
    {
        foreach (var (property, value, needed, taken) in properties)
        {
            if (needed && value is null or "")
            {
                yield return new SpecError(property, $"{property} is missing; {owner} needs it.");
            }
            else if (!taken && value is not null)
            {
                yield return new SpecError(property, string.Create(CultureInfo.InvariantCulture, $"{property} is '{value}'; {owner} takes none."));
            }
        }
    }
}
