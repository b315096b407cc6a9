using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using FlEvents.Learning;

namespace FlEvents.Orchestrator.Runs;

/// <summary>
/// One walk over a JSON document along the types of a record. A visit adds to the errors and says whether the value can be deserialised. It ends once there are
/// <see cref="MaximumErrors"/>: the text may be a megabyte of nothing but errors, and each is longer than what it tells of.
/// </summary>
internal sealed class SpecWalk(List<SpecError> errors)
{
    public const int MaximumErrors = 100;

    private static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(1);

    private bool IsFull => errors.Count >= MaximumErrors;

    public bool Visit(JsonElement value, Type type, string path) => Visit(value, type, key: null, path) && !IsFull;

    private bool Visit(JsonElement value, Type type, SpecKey? key, string path)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return key is { Nullable: true } || Refuse(value, type, key, path);
        }

        var shape = SpecKeys.Shape(type);
        return shape.Kind switch
        {
            JsonTypeInfoKind.Object => VisitObject(value, type, path),
            JsonTypeInfoKind.Enumerable => VisitList(value, type, shape.ElementType!, path),
            JsonTypeInfoKind.Dictionary => VisitMap(value, type, shape.ElementType!, path),
            _ => VisitScalar(value, type, key, path),
        };
    }

    private bool VisitObject(JsonElement value, Type type, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return Refuse(value, type, key: null, path);
        }

        var keys = SpecKeys.Of(type);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var whole = true;
        foreach (var property in value.EnumerateObject().TakeWhile(_ => !IsFull))
        {
            var key = keys.FirstOrDefault(known => known.Name == property.Name);
            var below = SpecText.Below(path, property.Name);
            if (!seen.Add(property.Name))
            {
                errors.Add(new SpecError(below, "this key is given twice"));
            }

            if (key is null)
            {
                errors.Add(new SpecError(below, UnknownKey(property.Name, keys)));
                continue;
            }

            whole &= Visit(property.Value, key.Type, key, below);
        }

        foreach (var key in keys.Where(key => key.Required && !seen.Contains(key.Name)))
        {
            errors.Add(new SpecError(SpecText.Below(path, key.Name), $"missing; expected {SpecText.Expected(key)}"));
            whole = false;
        }

        return whole;
    }

    private bool VisitList(JsonElement value, Type type, Type item, string path)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            return Refuse(value, type, key: null, path);
        }

        var whole = true;
        var index = 0;
        foreach (var element in value.EnumerateArray().TakeWhile(_ => !IsFull))
        {
            whole &= Visit(element, item, SpecText.Below(path, index++));
        }

        return whole;
    }

    private bool VisitMap(JsonElement value, Type type, Type item, string path)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return Refuse(value, type, key: null, path);
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var whole = true;
        foreach (var property in value.EnumerateObject().TakeWhile(_ => !IsFull))
        {
            var below = SpecText.Below(path, property.Name);
            if (!seen.Add(property.Name))
            {
                errors.Add(new SpecError(below, "this key is given twice"));
            }

            whole &= Visit(property.Value, item, below);
        }

        return whole;
    }

    private bool VisitScalar(JsonElement value, Type type, SpecKey? key, string path)
    {
        var (fits, inRange) = (type, value.ValueKind) switch
        {
            _ when type == typeof(bool) => (value.ValueKind is JsonValueKind.True or JsonValueKind.False, true),
            ({ IsEnum: true }, JsonValueKind.String) => (SpecKeys.Names(type).Contains(value.GetString()!), true),
            (_, JsonValueKind.String) when type == typeof(string) => (true, IsWithin(value.GetString()!, key)),
            (_, JsonValueKind.Number) when type == typeof(int) => (value.TryGetInt32(out var number), IsWithin(number, key)),
            (_, JsonValueKind.Number) when type == typeof(long) => (value.TryGetInt64(out var number), IsWithin(number, key)),
            // A number too large for a double parses to infinity.
            (_, JsonValueKind.Number) when type == typeof(double) => (value.TryGetDouble(out var number) && double.IsFinite(number), IsWithin(number, key)),
            _ => (false, false),
        };
        if (!fits || !inRange)
        {
            Refuse(value, type, key, path);
        }

        return fits;
    }

    private static bool IsWithin(double number, SpecKey? key) => !(number < key?.Minimum || number > key?.Maximum);

    private static bool IsWithin(string text, SpecKey? key) =>
        !(text.Length < key?.MinimumLength || text.Length > key?.MaximumLength)
        && (key?.Pattern is null || Regex.IsMatch(text, $@"\A(?:{key.Pattern})\z", RegexOptions.CultureInvariant, PatternTimeout));

    private bool Refuse(JsonElement value, Type type, SpecKey? key, string path)
    {
        var expected = key is null ? SpecText.Expected(type) : SpecText.Expected(key);
        errors.Add(new SpecError(path, $"expected {expected}, got {SpecText.Given(value)}"));
        return false;
    }

    private static string UnknownKey(string name, IReadOnlyList<SpecKey> keys) =>
        NearestName.Of(name, keys.Select(key => key.Name)) is { } nearest
            ? $"unknown key; did you mean {SpecText.Quoted(nearest)}?"
            : $"unknown key; known here: {string.Join(", ", keys.Select(key => key.Name))}";
}
