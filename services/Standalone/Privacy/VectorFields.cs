using System.Text.Json;

namespace FlEvents.Standalone.Privacy;

/// <summary>The members of a JSON object of a vector, read by any of the names a thing goes by.</summary>
/// <param name="json">An object; any other kind holds nothing.</param>
/// <param name="place">How to call it in a refusal.</param>
/// <param name="unknowns">Values for parameters that the vector leaves open because they are what is asked for.</param>
public sealed class VectorFields(JsonElement json, string place, IReadOnlyDictionary<string, double>? unknowns = null)
{
    private readonly HashSet<string> _read = [];

    public JsonElement Json => json;

    public IReadOnlyDictionary<string, double>? Unknowns => unknowns;

    /// <summary>The value under the first of the names that is there and not null.</summary>
    public JsonElement? Find(params ReadOnlySpan<string> names)
    {
        JsonElement? found = null;
        foreach (var name in names)
        {
            _read.Add(name);
            if (found is null && json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
            {
                found = value;
            }
        }

        return found;
    }

    public double? OptionalNumber(params ReadOnlySpan<string> names)
    {
        if (Find(names) is not { } value)
        {
            return Unknown(names);
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)
            ? number
            : throw new VectorRefusedException($"{place}.{names[0]} is {value.GetRawText()}, expected a finite number");
    }

    private double? Unknown(ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (unknowns is not null && unknowns.TryGetValue(name, out var unknown))
            {
                return unknown;
            }
        }

        return null;
    }

    public double Number(params ReadOnlySpan<string> names) =>
        OptionalNumber(names) ?? throw new VectorRefusedException($"{place}.{names[0]} is missing");

    public long? OptionalWhole(params ReadOnlySpan<string> names) => OptionalNumber(names) is not { } number
        ? null
        : number == Math.Floor(number) && Math.Abs(number) < 9e15
            ? (long)number
            : throw new VectorRefusedException(FormattableString.Invariant($"{place}.{names[0]} is {number}, expected a whole number"));

    public long Whole(params ReadOnlySpan<string> names) =>
        OptionalWhole(names) ?? throw new VectorRefusedException($"{place}.{names[0]} is missing");

    public string? Text(params ReadOnlySpan<string> names) => Find(names) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>Refuses a number that nothing read: it could mean something that was left out of the answer.</summary>
    public void RefuseUnreadNumbers()
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var member in json.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Number && !_read.Contains(member.Name))
            {
                throw new VectorRefusedException($"{place}.{member.Name} is not known for this mechanism");
            }
        }
    }
}
