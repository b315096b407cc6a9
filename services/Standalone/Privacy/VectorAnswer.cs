using System.Text.Json.Serialization;

namespace FlEvents.Standalone.Privacy;

/// <summary>What is said to one vector.</summary>
/// <param name="Id">The vector's own.</param>
/// <param name="Value">A number, or a list of numbers where the quantity is a list; null where it is not answered.</param>
/// <param name="Lower">Certified lower value of the quantity, from accountants that have one.</param>
/// <param name="Upper">Certified upper value of the quantity.</param>
/// <param name="Unsupported">Why there is no answer; null where there is one.</param>
public sealed record VectorAnswer(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("value")] object? Value,
    [property: JsonPropertyName("lower")] double? Lower,
    [property: JsonPropertyName("upper")] double? Upper,
    [property: JsonPropertyName("unsupported")] string? Unsupported);

/// <summary>A quantity with the certified values around it, where there are any.</summary>
/// <param name="Value">The answer: from above.</param>
/// <param name="Lower">Certified from below.</param>
/// <param name="Upper">Certified from above.</param>
public readonly record struct Bracket(double Value, double? Lower, double? Upper)
{
    public static implicit operator Bracket(double value) => FromDouble(value);

    public static Bracket FromDouble(double value) => new(value, null, null);
}
