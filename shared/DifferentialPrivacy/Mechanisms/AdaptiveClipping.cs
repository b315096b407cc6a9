namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>A clipping norm that follows a quantile of the updates' norms, itself estimated with privacy.</summary>
/// <remarks>
/// Andrew et al. 2021, arXiv:1905.03871. A member contributes bₖ − ½ (bₖ = 1 when its update's norm is at most C), a dropped one 0: sensitivity ½. The
/// accountant takes z, the noise multiplier of updates and count together; the updates alone get z_Δ (theorem 1).
/// </remarks>
public sealed record AdaptiveClipping
{
    /// <summary>The share of updates that is to stay unclipped, in (0, 1).</summary>
    public double Quantile { get; init; } = 0.5;

    /// <summary>η: C changes by at most a factor of e^η a round. Above 0.</summary>
    public double LearningRate { get; init; } = 0.2;

    /// <summary>C is never below this; at least 10⁻³⁰.</summary>
    public required double SmallestNorm { get; init; }

    /// <summary>C is never above this; at least the smallest.</summary>
    public required double LargestNorm { get; init; }

    /// <summary>σ_b for a cohort of m members: max(m/20, 2z), so that z_Δ ≤ 1.033 z.</summary>
    /// <param name="cohort">m, at least 1.</param>
    /// <param name="noiseMultiplier">z, finite and above 0.</param>
    public static double DefaultCountNoise(int cohort, double noiseMultiplier)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cohort, 1);
        Positive.Check(noiseMultiplier, nameof(noiseMultiplier), "The noise multiplier");
        return Math.Max(cohort / 20.0, 2 * noiseMultiplier);
    }

    /// <summary>z_Δ = (z⁻² − (2σ_b)⁻²)^(−½), what the updates get.</summary>
    /// <param name="noiseMultiplier">z, what the accountant takes; finite and above 0.</param>
    /// <param name="countNoise">σ_b, standard deviation of the noise on Σ(bₖ − ½); above z/2.</param>
    /// <exception cref="ArgumentOutOfRangeException">No z_Δ exists; the message names the smallest σ_b for which one does.</exception>
    public static double UpdateNoiseMultiplier(double noiseMultiplier, double countNoise)
    {
        Positive.Check(noiseMultiplier, nameof(noiseMultiplier), "The noise multiplier");
        Positive.Check(countNoise, nameof(countNoise), "The noise of the count");
        if (noiseMultiplier >= 2 * countNoise)
        {
            throw new ArgumentOutOfRangeException(
                nameof(countNoise),
                countNoise,
                $"With a noise of {countNoise} on the count alone, a noise multiplier of {noiseMultiplier} can't be reached; "
                + $"expected a count noise above {noiseMultiplier / 2}, at the least {Math.BitIncrement(noiseMultiplier / 2)}.");
        }

        var ratio = noiseMultiplier / (2 * countNoise);
        return noiseMultiplier / Math.Sqrt((1 - ratio) * (1 + ratio));
    }

    /// <summary>The next C: C·exp(−η(b̄ − quantile)), within the range.</summary>
    /// <param name="clipNorm">The C of this round.</param>
    /// <param name="unclippedShare">b̄, the noised share of updates whose norm was at most C; in [0, 1].</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public double Next(double clipNorm, double unclippedShare)
    {
        Check();
        Clipping.CheckNorm(clipNorm);
        if (!(unclippedShare >= 0 && unclippedShare <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(unclippedShare), unclippedShare, $"The unclipped share is {unclippedShare}; expected 0 to 1.");
        }

        return Math.Clamp(clipNorm * Math.Exp(-LearningRate * (unclippedShare - Quantile)), SmallestNorm, LargestNorm);
    }

    private void Check()
    {
        Clipping.CheckNorm(SmallestNorm);
        Clipping.CheckNorm(LargestNorm);
        Positive.Check(LearningRate, nameof(LearningRate), "The learning rate of the clipping norm");
        if (!(Quantile > 0 && Quantile < 1) || LargestNorm < SmallestNorm)
        {
            throw new ArgumentException(
                $"A quantile of {Quantile} and clipping norms from {SmallestNorm} to {LargestNorm}; expected a quantile in (0, 1) and an ascending range.");
        }
    }
}
