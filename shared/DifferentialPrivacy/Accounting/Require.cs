using System.Runtime.CompilerServices;

namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>Returns a value that is in its range and refuses any other, NaN among them, with its name, itself and what was expected.</summary>
internal static class Require
{
    public static double Positive(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value > 0 && double.IsFinite(value) ? value : throw Refusal(name, value, "a finite number above 0");

    public static double NotNegative(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= 0 && double.IsFinite(value) ? value : throw Refusal(name, value, "a finite number that is at least 0");

    public static double Probability(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value is >= 0 and <= 1 ? value : throw Refusal(name, value, "a number from 0 to 1");

    public static double BelowOne(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value is >= 0 and < 1 ? value : throw Refusal(name, value, "a number that is at least 0 and below 1");

    /// <summary>δ: 0 is refused, because only a bounded loss has a finite ε there, and 1, because it promises nothing.</summary>
    public static double Delta(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value is > 0 and < 1 ? value : throw Refusal(name, value, "a number above 0 and below 1");

    public static double Order(double value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value > 1 && double.IsFinite(value) ? value : throw Refusal(name, value, "a finite Rényi order above 1");

    public static long AtLeastOne(long value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= 1 ? value : throw Refusal(name, value, "at least 1");

    public static long Between(long value, long least, long most, [CallerArgumentExpression(nameof(value))] string name = "") =>
        value >= least && value <= most ? value : throw Refusal(name, value, FormattableString.Invariant($"a whole number from {least} to {most}"));

    private static ArgumentOutOfRangeException Refusal(string name, object value, string expected) =>
        new(name, value, FormattableString.Invariant($"{name} is {value}, expected {expected}."));
}
