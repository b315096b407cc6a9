namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>The standard normal distribution function Φ, in logarithms so that tails survive.</summary>
internal static class NormalDistribution
{
    private const double LogRoot2Pi = 0.91893853320467274178;

    /// <summary>ln Φ(x), to about 10⁻¹³ relative; −∞ only for −∞.</summary>
    public static double LogCdf(double x) => x switch
    {
        < -3 => LogTail(-x),
        <= 3 => Math.Log(Central(x)),
        _ => Log1P(-Math.Exp(LogTail(x))),
    };

    /// <summary>Φ(x) = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …) (Marsaglia 2004, doi:10.18637/jss.v011.i04).</summary>
    private static double Central(double x)
    {
        var (term, sum) = (x, x);
        for (var n = 3; Math.Abs(term) > Math.Abs(sum) * 1e-17; n += 2)
        {
            term *= x * x / n;
            sum += term;
        }

        return 0.5 + (sum * Math.Exp((-0.5 * x * x) - LogRoot2Pi));
    }

    /// <summary>
    /// ln(1 − Φ(x)) for x of at least 3: φ(x)·1/(x + 1/(x + 2/(x + 3/(x + …)))) (Laplace 1805; Abramowitz and Stegun 26.2.14), from the inside out.
    /// </summary>
    private static double LogTail(double x)
    {
        var fraction = x;
        for (var n = 120; n >= 1; n--)
        {
            fraction = x + (n / fraction);
        }

        return (-0.5 * x * x) - LogRoot2Pi - Math.Log(fraction);
    }

    /// <summary>ln(1 + y) for |y| below 0.01, by its series: Math has none.</summary>
    private static double Log1P(double y)
    {
        var sum = 0.0;
        for (var n = 10; n >= 1; n--)
        {
            sum = y * ((1.0 / n) - sum);
        }

        return sum;
    }
}
