using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>The exact privacy curve of Gaussian noise, and what the classic formula promises beside it.</summary>
/// <remarks>
/// Balle and Wang 2018, arXiv:1805.06530, theorem 8: δ(ε) = Φ(−a) − e^ε·Φ(−b), a = εz − 1/2z, b = εz + 1/2z, z = σ/Δ. As e^ε = φ(a)/φ(b), that is
/// φ(a)·(R(a) − R(b)) with the Mills ratio R: no exponential meets another, and where a and b are close the difference is an integral of a positive
/// function. So neither a large ε nor a small δ nor much noise loses its digits. k releases are one with z/√k; both directions of any adjacency have the
/// same curve.
/// </remarks>
public static class AnalyticGaussian
{
    private const double LeastMultiplier = 1e-100;
    private const double LargestMultiplier = 1e100;

    // Below this width R(a) − R(b) is integrated.
    private const double NarrowWidth = 0.5;

    /// <summary>ln δ(ε).</summary>
    /// <param name="noiseMultiplier">z, finite and above 0.</param>
    /// <param name="epsilon">At least 0, finite.</param>
    public static double LogDelta(double noiseMultiplier, double epsilon)
    {
        var (z, scaled) = (Require.Positive(noiseMultiplier), Require.NotNegative(epsilon) * noiseMultiplier);
        var (a, b) = (scaled - (0.5 / z), scaled + (0.5 / z));
        var logDensity = (-0.5 * a * a) - NormalDistribution.LogRootTwoPi;
        if (a < -NarrowWidth / 2)
        {
            // R(a) can be beyond a double, but Φ(−a) is far from what is taken off.
            var kept = NormalDistribution.LogCdf(-a);
            return kept + LogArithmetic.LogOneMinusExpOfMinus(kept - logDensity - Math.Log(NormalDistribution.MillsRatio(b)));
        }

        var difference = 1 / z > NarrowWidth ? NormalDistribution.MillsRatio(a) - NormalDistribution.MillsRatio(b) : Fall(a, 1 / z);
        return logDensity + Math.Log(difference);
    }

    /// <summary>δ(ε).</summary>
    public static double Delta(double noiseMultiplier, double epsilon) => Math.Exp(LogDelta(noiseMultiplier, epsilon));

    /// <summary>The smallest ε ≥ 0 at <paramref name="delta"/>, from above; +∞ where it is beyond a double.</summary>
    /// <param name="noiseMultiplier">z, finite and above 0.</param>
    /// <param name="delta">In (0, 1).</param>
    public static double Epsilon(double noiseMultiplier, double delta)
    {
        var target = Math.Log(Require.Delta(delta));
        if (Holds(noiseMultiplier, 0, target))
        {
            return 0;
        }

        var high = 1.0;
        while (double.IsFinite(high) && !Holds(noiseMultiplier, high, target))
        {
            high *= 2;
        }

        return double.IsFinite(high) ? Bisect(0, high, epsilon => Holds(noiseMultiplier, epsilon, target)) : double.PositiveInfinity;
    }

    /// <summary>The smallest z with (ε, δ)-differential privacy, from above; +∞ where it is above 10¹⁰⁰.</summary>
    /// <param name="epsilon">At least 0, finite.</param>
    /// <param name="delta">In (0, 1).</param>
    public static double NoiseMultiplier(double epsilon, double delta)
    {
        Require.NotNegative(epsilon);
        var target = Math.Log(Require.Delta(delta));
        return Holds(LargestMultiplier, epsilon, target)
            ? Bisect(LeastMultiplier, LargestMultiplier, z => Holds(z, epsilon, target))
            : double.PositiveInfinity;
    }

    /// <summary>√(2 ln(1.25/δ))/ε, proved for ε ≤ 1 only: at ε = 10, δ = 10⁻⁵ it really gives 10.39. Not used to calibrate anything.</summary>
    public static double ClassicNoiseMultiplier(double epsilon, double delta) =>
        Math.Sqrt(2 * Math.Log(1.25 / Require.Delta(delta))) / Require.Positive(epsilon);

    private static bool Holds(double noiseMultiplier, double epsilon, double logTarget) =>
        LogDelta(noiseMultiplier, epsilon) <= logTarget - Margin(noiseMultiplier, epsilon);

    /// <summary>More than the error of ln δ: of the difference, and of a²/2, whose a comes of two rounded terms.</summary>
    private static double Margin(double noiseMultiplier, double epsilon)
    {
        var (scaled, half) = (epsilon * noiseMultiplier, 0.5 / noiseMultiplier);
        return 1e-12 + (1e-15 * (1 + Math.Abs(scaled - half)) * (scaled + half));
    }

    /// <summary>R(a) − R(a + width) for a narrow width.</summary>
    private static double Fall(double a, double width)
    {
        var (nodes, weights) = GaussLegendre.Six;
        var (middle, sum) = (a + (0.5 * width), 0.0);
        for (var i = 0; i < nodes.Length; i++)
        {
            var offset = 0.5 * width * nodes[i];
            sum += weights[i] * (NormalDistribution.MillsRatioFall(middle + offset) + NormalDistribution.MillsRatioFall(middle - offset));
        }

        return 0.5 * width * sum;
    }

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
