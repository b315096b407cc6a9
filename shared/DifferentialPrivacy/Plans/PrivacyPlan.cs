using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>
/// What a run's privacy spec means for one client in one round: what it is charged in each unit, and what its worker clips and noises. A pure
/// function of the spec and of public numbers, so that the server's charge, the worker's own ledger and a plan made beforehand agree.
/// </summary>
public static class PrivacyPlan
{
    /// <summary>Charges of one task, one for each unit (docs/privacy.md).</summary>
    /// <param name="declaredExamples">Examples the client declared at enrolment, at least 1: rows, or privacy units where these have a column.</param>
    /// <param name="round">From 1.</param>
    public static IReadOnlyList<PrivacyCharge> Charges(RunSpec run, int declaredExamples, int round)
    {
        var privacy = run.Privacy;
        var wholeUpdate = WholeUpdate(privacy, declaredExamples, round);
        var example = privacy.HasExample ? DpSgd(DpSgdOf(run, declaredExamples, round)!)
            : wholeUpdate is { } update ? Gaussian(PrivacyUnit.Example, update.Noise / ReplacedUpdate)
            : Unbounded(PrivacyUnit.Example);
        var client = wholeUpdate is { } release ? Gaussian(PrivacyUnit.Client, release.Noise / release.Sensitivity) : Unbounded(PrivacyUnit.Client);
        return [example, client];
    }

    /// <summary>What a worker does for privacy in a task; null in a run without.</summary>
    /// <inheritdoc cref="Charges"/>
    public static TaskPrivacy? TaskOf(RunSpec run, int declaredExamples, int round) => !run.Privacy.IsPrivate ? null : new TaskPrivacy
    {
        DpSgd = DpSgdOf(run, declaredExamples, round),
        ClipNorm = run.Privacy.HasLocal ? run.Privacy.Local!.ClipNorm : run.Privacy.HasCentral ? LargestClipNorm(run.Privacy.Central!) : null,
        NoiseMultiplier = run.Privacy.HasLocal ? LocalNoiseMultiplier(run.Privacy.Local!, declaredExamples, round) : null,
    };

    /// <summary>z of the Aggregator's noise in a round: z₁·decay^(round − 1).</summary>
    public static double CentralNoiseMultiplier(CentralPrivacySpec central, int round) => Decayed(central.NoiseMultiplier, central.NoiseDecay, round);

    /// <summary>The largest C that the Aggregator can clip to in a run: what clients clip to.</summary>
    public static double LargestClipNorm(CentralPrivacySpec central) => central.Adaptive?.LargestNorm ?? central.ClipNorm;

    /// <summary>σ_b, the noise on the number of unclipped updates, constant for a run; null where C does not adapt.</summary>
    public static double? CountNoise(RunSpec run) => run.Privacy.Central?.Adaptive is not { } adaptive ? null
        : adaptive.CountNoise ?? AdaptiveClipping.DefaultCountNoise(run.Selection.Count!.Value, run.Privacy.Central.NoiseMultiplier);

    /// <summary>
    /// A batch size and a number of epochs as Poisson sampling (privacy rule 9): q = min(1, B/n), S = ⌈epochs/q⌉.
    /// </summary>
    public static (double SamplingProbability, long Steps) Sampling(TrainingSpec training, int declaredExamples)
    {
        // Epochs times n/B in whole numbers: a quotient of doubles could round one step too few.
        var probability = Math.Min(1, training.BatchSize / (double)declaredExamples);
        var steps = training.BatchSize >= declaredExamples
            ? training.LocalEpochs
            : (((long)training.LocalEpochs * declaredExamples) + training.BatchSize - 1) / training.BatchSize;
        return (probability, steps);
    }

    /// <summary>Sensitivity of an update of norm at most C against another such one, in multiples of C.</summary>
    public const double ReplacedUpdate = 2;

    private const double RemovedUpdate = 1;

    private static double LocalNoiseMultiplier(LocalPrivacySpec local, int declaredExamples, int round) =>
        Decayed(OfClient(local.NoiseMultiplier, local.NoiseByExamples, declaredExamples), local.NoiseDecay, round);

    private static double Decayed(double noiseMultiplier, double decay, int round) => noiseMultiplier * Math.Pow(decay, round - 1);

    // The last step that the client's declared examples reach.
    private static double OfClient(double noiseMultiplier, IReadOnlyList<ClientNoiseSpec>? byExamples, int declaredExamples) =>
        byExamples?.LastOrDefault(step => step.Examples <= declaredExamples)?.NoiseMultiplier ?? noiseMultiplier;

    private static DpSgdTask? DpSgdOf(RunSpec run, int declaredExamples, int round)
    {
        if (!run.Privacy.HasExample)
        {
            return null;
        }

        var (example, (probability, steps)) = (run.Privacy.Example!, Sampling(run.Training, declaredExamples));
        return new DpSgdTask
        {
            SamplingProbability = probability,
            Steps = steps,
            ClipNorm = example.ClipNorm,
            NoiseMultiplier = Decayed(OfClient(example.NoiseMultiplier, example.NoiseByExamples, declaredExamples), example.NoiseDecay, round),
            DeclaredExamples = declaredExamples,
        };
    }

    // The strongest observer's: the server sees every noised update of local, so the Aggregator's noise is not counted there.
    private static (double Noise, double Sensitivity)? WholeUpdate(PrivacySpec privacy, int declaredExamples, int round) =>
        privacy.HasLocal ? (LocalNoiseMultiplier(privacy.Local!, declaredExamples, round), ReplacedUpdate)
        : privacy.HasCentral ? (CentralNoiseMultiplier(privacy.Central!, round), RemovedUpdate)
        : null;

    /// <summary>The charge of DP-SGD, in the example unit.</summary>
    public static PrivacyCharge DpSgd(DpSgdTask task) => new()
    {
        Unit = PrivacyUnit.Example,
        Mechanism = PrivacyMechanism.SubsampledGaussian,
        NoiseMultiplier = task.NoiseMultiplier,
        SamplingProbability = task.SamplingProbability,
        Steps = task.Steps,
    };

    /// <summary>The charge of one noised release; null where nothing is noised.</summary>
    public static PrivacyCharge? Release(PrivacyUnit unit, double? noiseMultiplier) => noiseMultiplier is { } z ? Gaussian(unit, z) : null;

    private static PrivacyCharge Gaussian(PrivacyUnit unit, double noiseMultiplier) =>
        new() { Unit = unit, Mechanism = PrivacyMechanism.Gaussian, NoiseMultiplier = noiseMultiplier };

    /// <summary>The charge of what nothing noises.</summary>
    public static PrivacyCharge Unbounded(PrivacyUnit unit) => new() { Unit = unit, Mechanism = PrivacyMechanism.Unbounded };
}
