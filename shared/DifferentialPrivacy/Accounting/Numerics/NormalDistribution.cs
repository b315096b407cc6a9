namespace FlEvents.DifferentialPrivacy.Accounting.Numerics;

/// <summary>The standard normal distribution, right in its tails too.</summary>
/// <remarks>
/// Below −2 the Laplace continued fraction of the Mills ratio, elsewhere the series Φ(x) = ½ + φ(x)·Σ x²ⁿ⁺¹/(2n+1)!!, all of whose terms have one
/// sign (Abramowitz and Stegun, 26.2.14 and 26.2.11). Relative error below 10⁻¹⁴ for |x| ≤ 38; a test compares with 40-digit values.
/// </remarks>
public static class NormalDistribution
{
    /// <summary>ln √(2π).</summary>
    public const double LogRootTwoPi = 0.91893853320467274178;

    /// <summary>Up to this distance from 0 the density is a double with all its digits: φ(37) = 2·10⁻²⁹⁸.</summary>
    public const double Reach = 37;

    private const double FractionFrom = 2;
    private const int FractionTerms = 80;

    /// <summary>φ(x).</summary>
    public static double Density(double x) => Math.Exp((-0.5 * x * x) - LogRootTwoPi);

    /// <summary>Φ(x), the probability of at most <paramref name="x"/>.</summary>
    public static double Cdf(double x) => x switch
    {
        < -FractionFrom => Math.Exp(LogLowerTail(x)),
        > FractionFrom => 1 - Math.Exp(LogLowerTail(-x)),
        _ => 0.5 + CentralPart(x),
    };

    /// <summary>ln Φ(x), finite for every finite <paramref name="x"/>.</summary>
    public static double LogCdf(double x) => x switch
    {
        < -FractionFrom => LogLowerTail(x),
        > FractionFrom => LogArithmetic.LogP1(-Math.Exp(LogLowerTail(-x))),
        _ => Math.Log(0.5 + CentralPart(x)),
    };

    /// <summary>A t with 1 − Φ(t) ≤ <paramref name="mass"/>, by 1 − Φ(t) ≤ ½e^(−t²/2) (0 when the mass is at least a half).</summary>
    public static double TailBound(double mass) => mass >= 0.5 ? 0 : Math.Sqrt(-2 * Math.Log(2 * mass));

    /// <summary>(1 − Φ(x))/φ(x), which falls with x.</summary>
    /// <param name="x">From −1 on; far below, it leaves the range of a double.</param>
    public static double MillsRatio(double x) => x > FractionFrom ? 1 / Fraction(x, 1) : (0.5 - CentralPart(x)) / Density(x);

    /// <summary>1 − x·MillsRatio(x), minus the slope of the ratio: above 0, and right where the two nearly cancel.</summary>
    /// <inheritdoc cref="MillsRatio"/>
    public static double MillsRatioFall(double x) => x > FractionFrom ? 1 / ((x * Fraction(x, 2)) + 1) : 1 - (x * MillsRatio(x));

    private static double LogLowerTail(double x) => (-0.5 * x * x) - LogRootTwoPi - Math.Log(Fraction(-x, 1));

    /// <summary>t + n/(t + (n+1)/(t + …)), for t of 2 or more.</summary>
    private static double Fraction(double t, int n)
    {
        var fraction = t;
        for (var k = FractionTerms; k >= n; k--)
        {
            fraction = t + (k / fraction);
        }

        return fraction;
    }

    private static double CentralPart(double x)
    {
        var (term, sum) = (x, x);
        for (var n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= x * x / ((2 * n) + 1);
            sum += term;
        }

        return Density(x) * sum;
    }
}
