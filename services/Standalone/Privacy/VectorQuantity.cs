namespace FlEvents.Standalone.Privacy;

/// <summary>What a vector asks for: <c>epsilon</c>, <c>epsilon_upper</c>, <c>epsilon (lower, estimate, upper)</c>, <c>[sigma_b, z_delta]</c>.</summary>
/// <param name="Name">The quantity without its parts; empty for a bare list.</param>
/// <param name="Parts">The parts of a list in order; empty for a single number.</param>
public sealed record VectorQuantity(string Name, IReadOnlyList<string> Parts)
{
    private static readonly char[] Brackets = ['(', '['];

    public static VectorQuantity Parse(string text)
    {
        var open = text.IndexOfAny(Brackets);
        if (open < 0)
        {
            return new VectorQuantity(text.Trim(), []);
        }

        var parts = text[(open + 1)..].TrimEnd().TrimEnd(')', ']').Split(',', StringSplitOptions.TrimEntries);
        return new VectorQuantity(text[..open].Trim(), parts);
    }

    /// <summary>Picks the parts of a bracket by their names.</summary>
    public static double[] Pick(Bracket bracket, IReadOnlyList<string> parts) => [.. parts.Select(part => Pick(bracket, part))];

    /// <summary>Picks one part by its name.</summary>
    public static double Pick(Bracket bracket, string part)
    {
        // Where nothing is certified the value is the one from above, and there is none from below.
        var upper = bracket.Upper ?? bracket.Value;
        return part switch
        {
            "lower" or "optimistic" => bracket.Lower ?? throw new VectorRefusedException("this accountant has no value that is certified from below"),
            "upper" or "pessimistic" => upper,
            "estimate" or "value" => 0.5 * ((bracket.Lower ?? upper) + upper),
            _ => throw new VectorRefusedException($"\"{part}\" is not a part of the quantity, expected lower, estimate or upper"),
        };
    }
}
