using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.Aggregator.Strategies;

/// <summary>Chooses how a round's admitted updates become the next global model: by the run's privacy mode.</summary>
public static class NextModel
{
    /// <summary>The next global model, shape [P], and the clipping norms where the Aggregator clips.</summary>
    /// <param name="run">The round's run.</param>
    /// <param name="round">From 1.</param>
    /// <param name="clipNorm">C that the round before has left, where it adapts; null for the run's own.</param>
    /// <param name="globalWeights">w, shape [P].</param>
    /// <param name="updates">In client-id order, at least one.</param>
    /// <param name="noise">Used in the modes with central alone.</param>
    /// <param name="threads">At least 1.</param>
    public static (float[] Weights, ClippingNorms? Norms) Combine(
        RunModel run, int round, double? clipNorm, float[] globalWeights, IReadOnlyList<WeightedUpdate> updates, INoiseSource noise, int threads)
    {
        if (!run.Spec.Privacy.HasCentral)
        {
            return (FedAvg.Combine(globalWeights, updates, threads), null);
        }

        var readers = updates.Select(update => new UpdateReader(update.ReadSlice)).ToList();
        var central = run.Spec.Privacy.Central!;
        var used = clipNorm ?? central.ClipNorm;
        var release = CentralRelease.Release(globalWeights.Length, readers, SettingsOf(run.Spec, round, used, globalWeights.Length), noise, threads);
        var next = central.Adaptive is { } adaptive ? Following(adaptive).Next(used, release.UnclippedShare!.Value) : (double?)null;
        return ([.. globalWeights.Zip(release.MeanUpdate, (weight, update) => weight + update)], new ClippingNorms(used, next));
    }

    private static AdaptiveClipping Following(AdaptiveClippingSpec adaptive) => new()
    {
        Quantile = adaptive.Quantile,
        LearningRate = adaptive.LearningRate,
        SmallestNorm = adaptive.SmallestNorm,
        LargestNorm = adaptive.LargestNorm,
    };

    /// <summary>Largest ℓ2 norm of an update that the run lets in: the bound of an honest, noised one (privacy rule 8); null where the sum clips it.</summary>
    /// <remarks>C + σ(√d + 6), which honest noise exceeds with a probability below 10⁻⁸.</remarks>
    public static double? LargestNorm(PrivacySpec privacy, int parameterCount) => privacy is { HasLocal: true, Local: { } local }
        ? local.ClipNorm * (1 + (local.NoiseMultiplier * (Math.Sqrt(parameterCount) + 6)))
        : null;

    // Under local+central an update is clipped once, by its client: the sum takes whatever admission lets in, and the noise stays that of C.
    private static CentralSettings SettingsOf(RunSpec run, int round, double used, int parameterCount)
    {
        var clipNorm = LargestNorm(run.Privacy, parameterCount) ?? used;
        return new CentralSettings
        {
            ClipNorm = clipNorm,
            NoiseMultiplier = PrivacyPlan.CentralNoiseMultiplier(run.Privacy.Central!, round) * used / clipNorm,
            CountNoise = PrivacyPlan.CountNoise(run),
            TargetCohort = run.Selection.Count!.Value,
        };
    }
}
