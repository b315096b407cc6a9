namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>The exact privacy of one Gaussian release, and the noise it takes.</summary>
/// <remarks>Balle and Wang 2018, arXiv:1805.06530, theorem 8. T releases with noise multiplier z are as one with z/√T.</remarks>
public static class AnalyticGaussian
{
    /// <summary>The smallest δ for which the release is (ε, δ)-private: Φ(1/2z − εz) − e^ε·Φ(−1/2z − εz).</summary>
    /// <param name="epsilon">ε, finite and at least 0.</param>
    /// <param name="noiseMultiplier">z = σ/Δ, finite and above 0, Δ being the ℓ₂ sensitivity.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public static double Delta(double epsilon, double noiseMultiplier)
    {
        CheckEpsilon(epsilon);
        Positive.Check(noiseMultiplier, nameof(noiseMultiplier), "The noise multiplier");
        var (shift, half) = (epsilon * noiseMultiplier, 1 / (2 * noiseMultiplier));
        var first = NormalDistribution.LogCdf(half - shift);
        var second = epsilon + NormalDistribution.LogCdf(-half - shift);

        // e^first·(1 − e^(second − first)), so that a small difference of small numbers keeps its digits; rounding may leave it just below 0.
        return first == double.NegativeInfinity ? 0 : Math.Max(0, Math.Exp(first) * -ExpM1(second - first));
    }

    /// <summary>
    /// The smallest noise multiplier z for which one release is (ε, δ)-private, rounded up by 10⁻⁹ of itself, which covers the rounding of <see cref="Delta"/>.
    /// </summary>
    /// <param name="epsilon">ε, finite and at least 0.</param>
    /// <param name="delta">δ in (0, 1).</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public static double NoiseMultiplier(double epsilon, double delta)
    {
        CheckEpsilon(epsilon);
        if (!(delta > 0 && delta < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(delta), delta, $"δ is {delta}; expected a number in (0, 1).");
        }

        var (low, high) = (1.0, 1.0);
        while (Delta(epsilon, high) > delta)
        {
            (low, high) = (high, 2 * high);
        }

        while (Delta(epsilon, low) <= delta)
        {
            (low, high) = (low / 2, low);
        }

        while (high - low > 1e-12 * high)
        {
            var middle = 0.5 * (low + high);
            (low, high) = Delta(epsilon, middle) > delta ? (middle, high) : (low, middle);
        }

        return high * (1 + 1e-9);
    }

    private static void CheckEpsilon(double epsilon)
    {
        if (!(epsilon >= 0) || !double.IsFinite(epsilon))
        {
            throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, $"ε is {epsilon}; expected a finite number of at least 0.");
        }
    }

    /// <summary>e^x − 1, by its series near 0.</summary>
    private static double ExpM1(double x)
    {
        if (Math.Abs(x) > 0.1)
        {
            return Math.Exp(x) - 1;
        }

        var sum = 0.0;
        for (var n = 12; n >= 1; n--)
        {
            sum = x / n * (1 + sum);
        }

        return sum;
    }
}
