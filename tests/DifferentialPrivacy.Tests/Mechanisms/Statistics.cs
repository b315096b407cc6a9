namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

/// <summary>Checks of random samples whose false alarms have a probability of at most 10⁻⁹ each.</summary>
internal static class Statistics
{
    /// <summary>
    /// A normal value lies farther out than this many deviations with probability 8·10⁻¹¹; the rest of 10⁻⁹ is for sums that are only nearly normal.
    /// </summary>
    private const double Deviations = 6.5;

    /// <summary>The mean of n independent values of known mean and variance.</summary>
    public static void AssertMean(IEnumerable<double> values, double mean, double variance)
    {
        var (count, sum) = (0L, 0.0);
        foreach (var value in values)
        {
            count++;
            sum += value - mean;
        }

        var bound = Deviations * Math.Sqrt(variance / count);
        Assert.True(Math.Abs(sum / count) <= bound, $"The mean is off by {sum / count}, more than {bound}.");
    }

    /// <summary>Largest distance to a distribution function: P(D &gt; λ/√n) ≤ 2e^(−2λ²) (Massart 1990, doi:10.1214/aop/1176990746).</summary>
    /// <param name="values">Sorted in place.</param>
    /// <param name="cdf">F, continuous up to <paramref name="slack"/>.</param>
    /// <param name="slack">Largest step of the true distribution function, and error of F.</param>
    public static void AssertDistribution(double[] values, Func<double, double> cdf, double slack = 0)
    {
        Array.Sort(values);
        var distance = 0.0;
        for (var i = 0; i < values.Length; i++)
        {
            var expected = cdf(values[i]);
            distance = Math.Max(distance, Math.Max(expected - ((double)i / values.Length), ((i + 1.0) / values.Length) - expected));
        }

        var bound = Math.Sqrt(Math.Log(2e9) / 2 / values.Length) + slack;
        Assert.True(distance <= bound, $"The distance to the distribution is {distance}, more than {bound}.");
    }

    /// <summary>How often something of probability p happened in n trials: P ≤ e^(−n·KL(x/n, p)) on each side (Chernoff).</summary>
    public static void AssertCount(long count, long trials, double probability)
    {
        var share = (double)count / trials;
        var exponent = trials * (Term(share, probability) + Term(1 - share, 1 - probability));
        Assert.True(exponent <= Math.Log(2e9), $"{count} of {trials} where {probability * trials} were expected.");

        static double Term(double x, double p) => x == 0 ? 0 : x * Math.Log(x / p);
    }

    /// <summary>Φ to 10⁻⁹ at least, by the series of Marsaglia 2004 (doi:10.18637/jss.v011.i04).</summary>
    public static double NormalCdf(double x)
    {
        if (Math.Abs(x) > 7)
        {
            return x < 0 ? 0 : 1;
        }

        var (term, sum) = (x, x);
        for (var n = 3; Math.Abs(term) > 1e-14; n += 2)
        {
            term *= x * x / n;
            sum += term;
        }

        return 0.5 + (sum * Math.Exp(-0.5 * x * x) / Math.Sqrt(2 * Math.PI));
    }
}
