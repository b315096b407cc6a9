namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>The check that every scale of a mechanism must pass.</summary>
internal static class Positive
{
    /// <exception cref="ArgumentOutOfRangeException">The value is not finite and above 0.</exception>
    public static void Check(double value, string parameter, string name)
    {
        if (!(value > 0) || !double.IsFinite(value))
        {
            throw new ArgumentOutOfRangeException(parameter, value, $"{name} is {value}; expected a finite number above 0.");
        }
    }
}
