using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>Zero-concentrated differential privacy: ρ adds up, and one number holds for every Rényi order.</summary>
/// <remarks>Bun and Steinke 2016, arXiv:1605.02065. Sampling is charged as if all data were used: zCDP has no amplification of this kind.</remarks>
public static class ZcdpAccountant
{
    /// <summary>The total (ρ, ξ): Rényi divergence of at most ξ + ρα at every order.</summary>
    /// <returns>Null where there is none: an unbounded event, or one that may fail outright with probability δ above 0.</returns>
    public static ZcdpEvent? Total(PrivacyEvent composed)
    {
        var (rho, xi) = (0.0, 0.0);
        foreach (var (part, count) in EventParts.Of(composed))
        {
            if (Single(part) is not { } single)
            {
                return null;
            }

            rho += count * single.Rho;
            xi += count * single.Xi;
        }

        return double.IsFinite(rho) && double.IsFinite(xi) ? new ZcdpEvent(rho, xi) : null;
    }

    /// <summary>ξ + ρ + 2√(ρ·ln(1/δ)): Bun and Steinke 2016, proposition 1.3.</summary>
    public static double ClassicEpsilon(ZcdpEvent total, double delta) =>
        total.Xi + total.Rho + (2 * Math.Sqrt(total.Rho * -Math.Log(Require.Delta(delta))));

    /// <summary>The optimum over all real orders: Canonne, Kamath, Steinke 2020, arXiv:2004.00010, corollary 13.</summary>
    public static RdpBound Epsilon(ZcdpEvent total, double delta) => RdpAccountant.Epsilon(total, delta);

    /// <summary>The optimum over all real orders.</summary>
    public static RdpBound Delta(ZcdpEvent total, double epsilon) => RdpAccountant.Delta(total, epsilon);

    private static (double Rho, double Xi)? Single(PrivacyEvent part) => part switch
    {
        GaussianEvent e => (OfGaussian(e.NoiseMultiplier), 0),
        SubsampledGaussianEvent e => (OfGaussian(e.NoiseMultiplier), 0),
        FixedSizeGaussianEvent e => (OfGaussian(e.NoiseMultiplier), 0),
        TruncatedSubsampledGaussianEvent e => (OfGaussian(e.NoiseMultiplier / 2), 0),
        DiscreteGaussianEvent e => (OfGaussian(e.Sigma / e.Sensitivity), 0),
        TreeGaussianEvent e => (e.Levels * OfGaussian(e.NoiseMultiplier), 0),
        LaplaceEvent e => (OfPure(1 / e.NoiseMultiplier), 0),
        DiscreteLaplaceEvent e => (OfPure(e.Parameter * e.Sensitivity), 0),
        EpsilonDeltaEvent { Delta: 0 } e => (OfPure(e.Epsilon), 0),
        ZcdpEvent e => (e.Rho, e.Xi),
        _ => null,
    };

    private static double OfGaussian(double noiseMultiplier) => 0.5 / (noiseMultiplier * noiseMultiplier);

    /// <summary>ε-differential privacy is ε²/2-zCDP (proposition 1.4).</summary>
    private static double OfPure(double epsilon) => 0.5 * epsilon * epsilon;
}
