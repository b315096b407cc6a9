namespace FlEvents.DifferentialPrivacy.Accounting.Numerics;

/// <summary>Exponentials and logarithms of values near 0 and of values out of a double's range.</summary>
/// <remarks>The base library's <c>double.ExpM1</c> and <c>double.LogP1</c> subtract and add 1 in plain arithmetic, so near 0 they lose every digit.</remarks>
public static class LogArithmetic
{
    /// <summary>eˣ − 1, to a few units in the last place.</summary>
    public static double ExpM1(double x)
    {
        if (Math.Abs(x) < 0.01)
        {
            // The next term of the series is below x · 2·10⁻¹⁶.
            return x * (1 + (x / 2 * (1 + (x / 3 * (1 + (x / 4 * (1 + (x / 5 * (1 + (x / 6))))))))));
        }

        var exp = Math.Exp(x);
        // Near 0 the error of the rounded exponential is undone by its own logarithm (W. Kahan).
        return Math.Abs(x) < 0.7 ? (exp - 1) * x / Math.Log(exp) : exp - 1;
    }

    /// <summary>ln(1 + x), to a few units in the last place; −∞ at −1.</summary>
    public static double LogP1(double x)
    {
        var sum = 1 + x;
        return sum == 1 ? x : Math.Abs(x) < 0.7 ? Math.Log(sum) * x / (sum - 1) : Math.Log(sum);
    }

    /// <summary>ln(1 + eˣ).</summary>
    public static double LogOnePlusExp(double x) => x > 35 ? x + Math.Exp(-x) : LogP1(Math.Exp(x));

    /// <summary>ln(1 − e⁻ˣ) for x ≥ 0.</summary>
    public static double LogOneMinusExpOfMinus(double x) => x < 0.5 ? Math.Log(-ExpM1(-x)) : LogP1(-Math.Exp(-x));
}
