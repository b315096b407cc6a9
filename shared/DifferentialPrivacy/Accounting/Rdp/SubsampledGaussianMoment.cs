using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Rdp;

/// <summary>The moment A(α) = E[((1−q) + q·e^y)^α] of the Poisson-subsampled Gaussian, y = (2x−1)/(2z²), x ~ N(0, z²).</summary>
/// <remarks>
/// Mironov, Talwar, Zhang 2019, arXiv:1908.10530, §3.3: the Rényi divergence of order α is ln A(α)/(α−1), in the worse of the two directions.
/// Both forms here compute A − 1 as a sum of terms none of which is negative, so a sampling rate of 10⁻⁶ loses no digits:
/// <list type="bullet">
/// <item>whole α: Σ_{k≥2} C(α,k)·q^k·(1−q)^(α−k)·(e^((k²−k)/2z²) − 1), by logarithms, because the terms with "−1" sum to the binomial theorem's 1;</item>
/// <item>any α: E[g(u)], u = q(e^y − 1), g(u) = (1+u)^α − 1 − αu ≥ 0, because E[u] = 0; by the trapezoidal rule, which converges exponentially for an
/// analytic integrand. The paper's series for fractional α alternates in sign, and dropping the signs (or breaking the series off) gives a wrong order;
/// a test compares with the signed series and with 40-digit quadrature.</item>
/// </list>
/// </remarks>
public static class SubsampledGaussianMoment
{
    // Standard deviations left of 0 and right of the integrand's peak that are summed: e^(−11²/2) is 5·10⁻²⁷.
    private const double Reach = 11;

    // The integrand has no singularity within πz of the real line (in units of z): at this step the error is below e^(−2π·π/0.45) ≈ 10⁻¹⁹ of it.
    private const double LargestStep = 0.25;
    private const double StepPerMultiplier = 0.45;

    // Beyond as many points a fractional order is interpolated, which is an upper bound.
    private const double MostPoints = 2e5;

    // e^y is a double up to here; beyond, u is q·e^y to within rounding.
    private const double LargestExponent = 700;

    /// <summary>ln A(α); an upper bound by interpolation where α/z is so large that the quadrature would take milliseconds.</summary>
    /// <param name="samplingRate">q in (0, 1).</param>
    /// <param name="noiseMultiplier">z, above 0.</param>
    /// <param name="order">α above 1.</param>
    public static double Log(double samplingRate, double noiseMultiplier, double order)
    {
        var below = Math.Floor(order);
        if (order == below)
        {
            return LogAtWholeOrder(samplingRate, noiseMultiplier, (long)order);
        }

        if (((order / noiseMultiplier) + (2 * Reach)) / StepFor(noiseMultiplier) <= MostPoints)
        {
            return LogByQuadrature(samplingRate, noiseMultiplier, order);
        }

        // ln A is convex in α, and 0 at 1.
        var share = order - below;
        return ((1 - share) * LogAtWholeOrder(samplingRate, noiseMultiplier, (long)below))
            + (share * LogAtWholeOrder(samplingRate, noiseMultiplier, (long)below + 1));
    }

    private static double StepFor(double noiseMultiplier) => Math.Min(LargestStep, StepPerMultiplier * noiseMultiplier);

    private static double LogAtWholeOrder(double q, double z, long order)
    {
        if (order == 1)
        {
            return 0;
        }

        var (logOdds, halfPrecision) = (Math.Log(q) - LogArithmetic.LogP1(-q), 0.5 / (z * z));
        var logCoefficient = (order * LogArithmetic.LogP1(-q)) + logOdds + Math.Log(order);
        var excess = new LogSum();
        for (var k = 2L; k <= order; k++)
        {
            logCoefficient += Math.Log((double)(order - k + 1) / k) + logOdds;
            var exponent = (double)k * (k - 1) * halfPrecision;
            excess.Add(logCoefficient + exponent + LogArithmetic.LogOneMinusExpOfMinus(exponent));
        }

        return LogArithmetic.LogOnePlusExp(excess.Value);
    }

    /// <summary>The form for any order; public so that tests can compare the two at whole orders.</summary>
    public static double LogByQuadrature(double q, double z, double order)
    {
        var step = StepFor(z);
        var first = -(int)Math.Ceiling(Reach / step);
        var last = (int)Math.Ceiling(((order / z) + Reach) / step);
        var logRate = Math.Log(q);
        var excess = new LogSum();
        for (var i = first; i <= last; i++)
        {
            var t = i * step;
            var y = (t / z) - (0.5 / (z * z));
            excess.Add(LogIntegrand(q, logRate, y, order) - (0.5 * t * t));
        }

        return LogArithmetic.LogOnePlusExp(excess.Value + Math.Log(step) - NormalDistribution.LogRootTwoPi);
    }

    /// <summary>ln g(u).</summary>
    private static double LogIntegrand(double q, double logRate, double y, double order)
    {
        var beyond = order - 1;
        var isHuge = y > LargestExponent;
        var u = isHuge ? Math.Exp(logRate + y) : q * LogArithmetic.ExpM1(y);
        if (order * Math.Abs(u) < 1e-3)
        {
            // The next term is below 10⁻¹⁵ of the first.
            var tail = 1 + ((order - 2) / 3 * u * (1 + ((order - 3) / 4 * u * (1 + ((order - 4) / 5 * u * (1 + ((order - 5) / 6 * u)))))));
            return u == 0 ? double.NegativeInfinity : Math.Log(0.5 * order * beyond * tail) + (2 * Math.Log(Math.Abs(u)));
        }

        // g(u)/(1+u) = ((1+u)^(α−1) − 1) − (α−1)·u/(1+u), in which orders next to 1 lose nothing: both terms are as small as α − 1.
        var logOnePlusU = isHuge ? LogArithmetic.LogOnePlusExp(logRate + y) : LogArithmetic.LogP1(u);
        var power = beyond * logOnePlusU;
        return power < 600
            ? logOnePlusU + Math.Log(Math.Max(LogArithmetic.ExpM1(power) + (beyond * LogArithmetic.ExpM1(-logOnePlusU)), 0))
            : order * logOnePlusU;
    }
}
