using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>The exact privacy curve of Gaussian noise, and what the classic formula promises beside it.</summary>
/// <remarks>
/// Balle and Wang 2018, arXiv:1805.06530, theorem 8: δ(ε) = Φ(1/2z − εz) − e^ε·Φ(−1/2z − εz), z = σ/Δ. Computed from ln Φ, so neither the large ε nor
/// the small δ loses its digits. k releases are one with z/√k; both directions of any adjacency have the same curve.
/// </remarks>
public static class AnalyticGaussian
{
    private const double LeastMultiplier = 1e-6;
    private const double LargestMultiplier = 1e9;

    /// <summary>ln δ(ε).</summary>
    /// <param name="noiseMultiplier">z, finite and above 0.</param>
    /// <param name="epsilon">Finite; negative values are right too.</param>
    public static double LogDelta(double noiseMultiplier, double epsilon)
    {
        var z = Require.Positive(noiseMultiplier);
        var kept = NormalDistribution.LogCdf((0.5 / z) - (epsilon * z));
        var removed = epsilon + NormalDistribution.LogCdf((-0.5 / z) - (epsilon * z));
        // Far out in the tail the two can be equal to the last bit.
        return kept > removed ? kept + LogArithmetic.LogOneMinusExpOfMinus(kept - removed) : double.NegativeInfinity;
    }

    /// <summary>δ(ε).</summary>
    public static double Delta(double noiseMultiplier, double epsilon) => Math.Exp(LogDelta(noiseMultiplier, Require.NotNegative(epsilon)));

    /// <summary>The smallest ε ≥ 0 at <paramref name="delta"/>, from above.</summary>
    /// <param name="noiseMultiplier">z, finite and above 0.</param>
    /// <param name="delta">In (0, 1).</param>
    public static double Epsilon(double noiseMultiplier, double delta)
    {
        var target = Math.Log(Require.Delta(delta)) - Margin(noiseMultiplier);
        if (LogDelta(noiseMultiplier, 0) <= target)
        {
            return 0;
        }

        var high = 1.0;
        while (LogDelta(noiseMultiplier, high) > target)
        {
            high *= 2;
        }

        return Bisect(0, high, epsilon => LogDelta(noiseMultiplier, epsilon) <= target);
    }

    /// <summary>The smallest z with (ε, δ)-differential privacy, from above.</summary>
    /// <param name="epsilon">At least 0, finite.</param>
    /// <param name="delta">In (0, 1).</param>
    public static double NoiseMultiplier(double epsilon, double delta)
    {
        Require.NotNegative(epsilon);
        var target = Math.Log(Require.Delta(delta));
        return Bisect(LeastMultiplier, LargestMultiplier, z => LogDelta(z, epsilon) <= target - Margin(z));
    }

    /// <summary>√(2 ln(1.25/δ))/ε, proved for ε ≤ 1 only: at ε = 10, δ = 10⁻⁵ it really gives 10.39. Not used to calibrate anything.</summary>
    public static double ClassicNoiseMultiplier(double epsilon, double delta) =>
        Math.Sqrt(2 * Math.Log(1.25 / Require.Delta(delta))) / Require.Positive(epsilon);

    /// <summary>More than the relative error of δ: two probabilities are subtracted that differ by 1/z.</summary>
    private static double Margin(double noiseMultiplier) => 1e-12 + (4e-14 * noiseMultiplier);

    /// <summary>The upper end of the last interval in which <paramref name="holds"/> turns true.</summary>
    private static double Bisect(double low, double high, Func<double, bool> holds)
    {
        for (var i = 0; i < 200; i++)
        {
            var middle = low > 0 && high > 4 * low ? Math.Sqrt(low * high) : 0.5 * (low + high);
            if (!(middle > low && middle < high))
            {
                break;
            }

            (low, high) = holds(middle) ? (low, middle) : (middle, high);
        }

        return high;
    }
}
