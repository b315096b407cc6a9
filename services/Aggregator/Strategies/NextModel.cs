using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.Aggregator.Strategies;

/// <summary>Chooses how a round's admitted updates become the next global model: by the run's privacy mode.</summary>
public static class NextModel
{
    /// <summary>The next global model, shape [P].</summary>
    /// <param name="run">The round's run.</param>
    /// <param name="round">From 1.</param>
    /// <param name="globalWeights">w, shape [P].</param>
    /// <param name="updates">In client-id order, at least one.</param>
    /// <param name="noise">Used in the modes with central alone.</param>
    /// <param name="threads">At least 1.</param>
    public static float[] Combine(
        RunModel run, int round, float[] globalWeights, IReadOnlyList<WeightedUpdate> updates, INoiseSource noise, int threads)
    {
        if (!run.Spec.Privacy.HasCentral)
        {
            return FedAvg.Combine(globalWeights, updates, threads);
        }

        var readers = updates.Select(update => new UpdateReader(update.ReadSlice)).ToList();
        var release = CentralRelease.Release(globalWeights.Length, readers, SettingsOf(run.Spec, round, globalWeights.Length), noise, threads);
        return [.. globalWeights.Zip(release.MeanUpdate, (weight, update) => weight + update)];
    }

    /// <summary>Largest ℓ2 norm of an update that the run lets in: the bound of an honest, noised one (privacy rule 8); null where the sum clips it.</summary>
    /// <remarks>C + σ(√d + 6), which honest noise exceeds with a probability below 10⁻⁸.</remarks>
    public static double? LargestNorm(PrivacySpec privacy, int parameterCount) => privacy is { HasLocal: true, Local: { } local }
        ? local.ClipNorm * (1 + (local.NoiseMultiplier * (Math.Sqrt(parameterCount) + 6)))
        : null;

    // Under local+central an update is clipped once, by its client: the sum takes whatever admission lets in, and the noise stays that of C.
    private static CentralSettings SettingsOf(RunSpec run, int round, int parameterCount)
    {
        var central = run.Privacy.Central!;
        var clipNorm = LargestNorm(run.Privacy, parameterCount) ?? central.ClipNorm;
        return new CentralSettings
        {
            ClipNorm = clipNorm,
            NoiseMultiplier = PrivacyPlan.CentralNoiseMultiplier(central, round) * central.ClipNorm / clipNorm,
            TargetCohort = run.Selection.Count!.Value,
        };
    }
}
