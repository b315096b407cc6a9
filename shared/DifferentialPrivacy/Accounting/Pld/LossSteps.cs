using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>The steps of an event as sources of privacy loss, Gaussians joined into one.</summary>
public sealed class LossSteps
{
    private LossSteps(IReadOnlyList<(LossSource Source, long Count)> parts, double logFinite) => (Parts, LogFinite) = (parts, logFinite);

    public IReadOnlyList<(LossSource Source, long Count)> Parts { get; }

    /// <summary>ln of the probability that no part fails outright.</summary>
    public double LogFinite { get; }

    public double Count => Math.Max(1, Parts.Sum(part => (double)part.Count));

    public bool IsSymmetric => Parts.All(part => part.Source.IsSymmetric);

    public bool IsExact => Parts.All(part => part.Source.IsExact);

    /// <summary>The largest lattice among the parts; 0 without one.</summary>
    /// <remarks>An atom between two grid points costs an error of first order in their distance, everything else of second.</remarks>
    public double Lattice => Parts.Max(part => part.Source.Lattice) ?? 0;

    /// <returns>The steps, or null and the reason why there are none.</returns>
    public static (LossSteps? Steps, string? Reason) Of(PrivacyEvent composed)
    {
        var parts = new List<(LossSource, long)>();
        var (hasGaussian, inverseVariance, logFinite) = (false, 0.0, 0.0);
        foreach (var (part, count) in EventParts.Of(composed))
        {
            if (Gaussian(part) is { } noiseMultiplier)
            {
                (hasGaussian, inverseVariance) = (true, inverseVariance + (count / (noiseMultiplier * noiseMultiplier)));
                continue;
            }

            var (source, reason) = Source(part);
            if (source is null)
            {
                return (null, reason);
            }

            logFinite += part is EpsilonDeltaEvent e ? count * LogArithmetic.LogP1(-e.Delta) : 0;
            parts.Add((source, count));
        }

        if (hasGaussian)
        {
            var joined = 1 / Math.Sqrt(inverseVariance);
            if (!(joined >= NormalLossSource.LeastMultiplier && joined <= NormalLossSource.LargestMultiplier))
            {
                return (null, FormattableString.Invariant(
                    $"a noise multiplier of {joined:G3} has losses beyond the grid, expected {NormalLossSource.LeastMultiplier} to {NormalLossSource.LargestMultiplier}"));
            }

            parts.Add((new NormalLossSource(joined), 1));
        }

        return (new LossSteps(parts, logFinite), null);
    }

    /// <summary>Moments to plan with.</summary>
    public LossMoments Moments(double tail, bool mirrored)
    {
        var moments = new LossMoments();
        foreach (var (source, count) in Parts)
        {
            moments.Add(source.Nodes(tail), count, mirrored && !source.IsSymmetric);
        }

        return moments;
    }

    /// <summary>z of a part that is a Gaussian release, however it is called: k of them are one with z/√k, exactly.</summary>
    private static double? Gaussian(PrivacyEvent part) => part switch
    {
        GaussianEvent e => e.NoiseMultiplier,
        TreeGaussianEvent e => e.NoiseMultiplier / Math.Sqrt(e.Levels),
        _ => null,
    };

    private static (LossSource? Source, string? Reason) Source(PrivacyEvent part) => part switch
    {
        SubsampledGaussianEvent { NoiseMultiplier: < GaussianLossSource.LeastMultiplier } =>
            (null, FormattableString.Invariant($"a noise multiplier below {GaussianLossSource.LeastMultiplier} has losses beyond the grid")),
        TruncatedSubsampledGaussianEvent { NoiseMultiplier: < 2 * GaussianLossSource.LeastMultiplier } =>
            (null, FormattableString.Invariant($"a noise multiplier below {2 * GaussianLossSource.LeastMultiplier} has losses beyond the grid")),
        SubsampledGaussianEvent e => (new GaussianLossSource(e.SamplingRate, e.NoiseMultiplier), null),
        TruncatedSubsampledGaussianEvent e => (Truncated(e), null),
        LaplaceEvent { NoiseMultiplier: < 1e-3 } => (null, "a Laplace scale below 0.001 has losses beyond the grid"),
        LaplaceEvent e => (new LaplaceLossSource(e), null),
        DiscreteLaplaceEvent e => (DiscreteLossSource.Of(e), null),
        DiscreteGaussianEvent { Dimension: 1 } e when e.Sensitivity == Math.Floor(e.Sensitivity) =>
            DiscreteLossSource.Of(e) is { } source ? (source, null) : (null, "a discrete Gaussian this wide takes too many values"),
        DiscreteGaussianEvent => (null, "the loss distribution of a discrete Gaussian is known for one integer of whole sensitivity only"),
        EpsilonDeltaEvent e => (DiscreteLossSource.Of(e), null),
        FixedSizeGaussianEvent => (null, "sampling of fixed size has no loss distribution here"),
        ZcdpEvent => (null, "zCDP alone has no loss distribution"),
        UnboundedEvent => (null, "an unbounded event has no guarantee"),
        _ => (null, $"{PrivacyEventText.Write(part)} has no loss distribution here"),
    };

    private static LossSource Truncated(TruncatedSubsampledGaussianEvent part)
    {
        var (open, full) = TruncatedBatches.Cases(part);
        var probability = TruncatedBatches.FullProbability(part);
        return probability == 0 ? Of(open) : probability == 1 ? Of(full) : new MixedLossSource(Of(open), Of(full), probability);

        static LossSource Of(SubsampledGaussianEvent step) => step.SamplingRate == 1
            ? new NormalLossSource(step.NoiseMultiplier)
            : new GaussianLossSource(step.SamplingRate, step.NoiseMultiplier);
    }
}
