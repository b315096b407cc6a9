using FlEvents.Contracts;

namespace FlEvents.DifferentialPrivacy.Plans;

/// <summary>
/// What a run's privacy spec means for one client in one round: what it is charged in each unit, and what its worker clips and noises. A pure
/// function of the spec and of public numbers, so that the server's charge, the worker's own ledger and a plan made beforehand agree.
/// </summary>
public static class PrivacyPlan
{
    /// <summary>Charges of one task, one for each unit (docs/privacy.md).</summary>
    /// <param name="declaredExamples">Examples the client declared at enrolment, at least 1.</param>
    /// <param name="round">From 1.</param>
    public static IReadOnlyList<PrivacyCharge> Charges(RunSpec run, int declaredExamples, int round)
    {
        var privacy = run.Privacy;
        var wholeUpdate = WholeUpdate(privacy, round);
        var example = privacy.HasExample ? DpSgd(DpSgdOf(run, declaredExamples)!)
            : wholeUpdate is { } update ? Gaussian(PrivacyUnit.Example, update.Noise / ReplacedUpdate)
            : Unbounded(PrivacyUnit.Example);
        var client = wholeUpdate is { } release ? Gaussian(PrivacyUnit.Client, release.Noise / release.Sensitivity) : Unbounded(PrivacyUnit.Client);
        return [example, client];
    }

    /// <summary>What a worker does for privacy in a task; null in a run without.</summary>
    /// <inheritdoc cref="Charges"/>
    public static TaskPrivacy? TaskOf(RunSpec run, int declaredExamples) => !run.Privacy.IsPrivate ? null : new TaskPrivacy
    {
        DpSgd = DpSgdOf(run, declaredExamples),
        ClipNorm = run.Privacy.HasLocal ? run.Privacy.Local!.ClipNorm : run.Privacy.HasCentral ? run.Privacy.Central!.ClipNorm : null,
        NoiseMultiplier = run.Privacy.HasLocal ? run.Privacy.Local!.NoiseMultiplier : null,
    };

    /// <summary>z of the Aggregator's noise in a round: z₁·decay^(round − 1).</summary>
    public static double CentralNoiseMultiplier(CentralPrivacySpec central, int round) => central.NoiseMultiplier * Math.Pow(central.NoiseDecay, round - 1);

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

    private static DpSgdTask? DpSgdOf(RunSpec run, int declaredExamples)
    {
        if (!run.Privacy.HasExample)
        {
            return null;
        }

        var (probability, steps) = Sampling(run.Training, declaredExamples);
        return new DpSgdTask
        {
            SamplingProbability = probability,
            Steps = steps,
            ClipNorm = run.Privacy.Example!.ClipNorm,
            NoiseMultiplier = run.Privacy.Example.NoiseMultiplier,
            DeclaredExamples = declaredExamples,
        };
    }

    // The strongest observer's: the server sees every noised update of local, so the Aggregator's noise is not counted there.
    private static (double Noise, double Sensitivity)? WholeUpdate(PrivacySpec privacy, int round) =>
        privacy.HasLocal ? (privacy.Local!.NoiseMultiplier, ReplacedUpdate)
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
