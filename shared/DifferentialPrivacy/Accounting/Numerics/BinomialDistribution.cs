namespace FlEvents.DifferentialPrivacy.Accounting.Numerics;

/// <summary>The binomial distribution by logarithms, counted outwards from its mode.</summary>
/// <remarks>
/// ln P(k) and ln P(k+1) differ by ln((n−k)/(k+1)) + ln(p/(1−p)). From the mode on the sums stay small, and with them their rounding: a relative 10⁻¹² of each
/// probability above 10⁻¹⁰⁰ for n up to 10⁸, where sums from P(0) on lose 10⁻⁶. The total is summed too, and divides.
/// </remarks>
public static class BinomialDistribution
{
    // Terms below e⁻⁶⁰ of a sum, which fall ever faster, change it by less than rounding.
    private const double Negligible = 60;

    /// <summary>ln P(k) for k = 0 … n.</summary>
    /// <param name="count">n, at least 0.</param>
    /// <param name="logOdds">ln(p/(1−p)), finite.</param>
    public static double[] LogMasses(int count, double logOdds)
    {
        var (masses, mode, total) = (new double[count + 1], Mode(count, logOdds), new LogSum());
        for (var k = (int)mode; k < count; k++)
        {
            masses[k + 1] = masses[k] + LogStep(count, k, logOdds);
        }

        for (var k = (int)mode - 1; k >= 0; k--)
        {
            masses[k] = masses[k + 1] - LogStep(count, k, logOdds);
        }

        foreach (var mass in masses)
        {
            total.Add(mass);
        }

        return Array.ConvertAll(masses, mass => mass - total.Value);
    }

    /// <summary>P(at least <paramref name="least"/>).</summary>
    /// <param name="count">n, at least 0.</param>
    /// <param name="logOdds">ln(p/(1−p)), finite.</param>
    /// <param name="least">Any number.</param>
    public static double Tail(long count, double logOdds, long least)
    {
        if (least <= 0 || least > count)
        {
            return least <= 0 ? 1 : 0;
        }

        var (mode, total, tail) = (Mode(count, logOdds), new LogSum(), new LogSum());
        var mass = 0.0;
        for (var k = mode; k <= count; k++)
        {
            total.Add(mass);
            if (k >= least)
            {
                tail.Add(mass);
            }

            if (k >= least && mass < tail.Value - Negligible)
            {
                break;
            }

            mass += LogStep(count, k, logOdds);
        }

        mass = 0;
        for (var k = mode - 1; k >= 0; k--)
        {
            mass -= LogStep(count, k, logOdds);
            total.Add(mass);
            if (k >= least)
            {
                tail.Add(mass);
            }

            if (mass < total.Value - Negligible)
            {
                break;
            }
        }

        return Math.Min(1, Math.Exp(tail.Value - total.Value));
    }

    /// <summary>A whole number next to (n+1)p.</summary>
    private static long Mode(long count, double logOdds) => Math.Clamp((long)((count + 1.0) / (1 + Math.Exp(-logOdds))), 0, count);

    /// <summary>ln P(k+1) − ln P(k).</summary>
    private static double LogStep(long count, long k, double logOdds) => Math.Log((double)(count - k) / (k + 1)) + logOdds;
}
