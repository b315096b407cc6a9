using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Rdp;

/// <summary>The Rényi divergence bound ε(α) of an event, added up over all its parts order by order.</summary>
/// <remarks>An instance keeps what its parts share between orders, and is for one thread.</remarks>
public sealed class RdpCurve
{
    /// <summary>Beyond this order the sums of sampled mechanisms take milliseconds; what it adds to ε is below ln(1/δ)/2¹⁵.</summary>
    private const double LargestSampledOrder = 1 << 15;

    private const double LargestOrderOfAll = 1L << 40;

    private readonly IReadOnlyList<(Func<double, double> Divergence, long Count)> _parts;

    /// <param name="composed">Any event. One with no Rényi bound makes the curve infinite.</param>
    public RdpCurve(PrivacyEvent composed)
    {
        var parts = EventParts.Of(composed);
        _parts = [.. parts.Select(part => (Divergence(part.Event), part.Count))];
        LargestOrder = parts.Any(part => IsSampled(part.Event)) ? LargestSampledOrder : LargestOrderOfAll;
        LogNothingInfinite = parts.Sum(part => part.Event is EpsilonDeltaEvent e ? part.Count * LogArithmetic.LogP1(-e.Delta) : 0);
    }

    /// <summary>The largest order worth asking for.</summary>
    public double LargestOrder { get; }

    /// <summary>
    /// ln Π(1 − δᵢ) over the (ε, δ) parts: the log-probability that none of them fails outright. The divergences hold for the rest, so a target δ must
    /// first be lowered to 1 − (1 − δ)/Π(1 − δᵢ).
    /// </summary>
    public double LogNothingInfinite { get; }

    /// <summary>ε(α).</summary>
    /// <param name="order">α, finite and above 1.</param>
    /// <returns>At least 0; +∞ where there is no bound. Never NaN.</returns>
    public double At(double order)
    {
        Require.Order(order);
        var sum = 0.0;
        foreach (var (divergence, count) in _parts)
        {
            sum += count * divergence(order);
        }

        return double.IsNaN(sum) ? throw new ArithmeticException($"The Rényi divergence of order {order} is not a number.") : Math.Max(sum, 0);
    }

    private static bool IsSampled(PrivacyEvent part) => part is SubsampledGaussianEvent or FixedSizeGaussianEvent or TruncatedSubsampledGaussianEvent;

    private static Func<double, double> Divergence(PrivacyEvent part)
    {
        switch (part)
        {
            case GaussianEvent e:
                return order => Gaussian(order, e.NoiseMultiplier);
            case TreeGaussianEvent e:
                return order => e.Levels * Gaussian(order, e.NoiseMultiplier);
            case DiscreteGaussianEvent e:
                // Canonne, Kamath, Steinke 2020, arXiv:2004.00010, proposition 5: Δ²/2σ²-zCDP, in any dimension.
                return order => Gaussian(order, e.Sigma / e.Sensitivity);
            case SubsampledGaussianEvent e:
                return WithinReach(order => SubsampledGaussianMoment.Log(e.SamplingRate, e.NoiseMultiplier, order) / (order - 1), e.NoiseMultiplier);
            case FixedSizeGaussianEvent e:
                var moment = new FixedSizeGaussianMoment((double)e.SampleSize / e.DatasetSize, e.NoiseMultiplier);
                return WithinReach(order => moment.Log(order) / (order - 1), e.NoiseMultiplier);
            case TruncatedSubsampledGaussianEvent e:
                var mixture = TruncatedBatches.LogMoment(e);
                return WithinReach(order => mixture(order) / (order - 1), e.NoiseMultiplier / 2);
            case LaplaceEvent e:
                return order => PureRdp.Laplace(1 / e.NoiseMultiplier, order);
            case DiscreteLaplaceEvent e:
                return order => PureRdp.DiscreteLaplace(e, order);
            case EpsilonDeltaEvent e:
                return order => PureRdp.RandomizedResponse(e.Epsilon, order);
            case ZcdpEvent e:
                return order => e.Xi + (e.Rho * order);
            case UnboundedEvent:
                return _ => double.PositiveInfinity;
            default:
                throw new ArgumentOutOfRangeException(nameof(part), part.GetType().Name, "Expected an event whose Rényi divergence is known.");
        }
    }

    /// <summary>Beyond the largest order the bound of the same noise on all data, which a sample cannot exceed.</summary>
    private static Func<double, double> WithinReach(Func<double, double> sampled, double noiseMultiplier) =>
        order => order <= LargestSampledOrder ? sampled(order) : Gaussian(order, noiseMultiplier);

    /// <summary>αΔ²/2σ² = α/2z²: Mironov 2017, arXiv:1702.07476, corollary 3.</summary>
    private static double Gaussian(double order, double noiseMultiplier) => order / (2 * noiseMultiplier * noiseMultiplier);
}
