using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.Standalone.Replay;

/// <summary>Whether a charge is one that the run's privacy asks for: the noise that a task uses derives from the same spec.</summary>
public static class PlannedCharges
{
    // Far below any difference that matters to ε, and above that of Math.Pow between two machines.
    private const double Tolerance = 1e-12;

    /// <summary>Whether some number of declared examples makes these charges of a task.</summary>
    public static bool AreOf(RunSpec spec, int round, IReadOnlyList<PrivacyCharge> charges) =>
        DeclaredExamples(spec, charges).Any(examples => AreSame(PrivacyPlan.Charges(spec, examples, round), charges));

    // The log does not tell what a client declared. Charges depend on it by q = B/n, and by the steps of noise at which it changes.
    private static IEnumerable<int> DeclaredExamples(RunSpec spec, IReadOnlyList<PrivacyCharge> charges)
    {
        var steps = (spec.Privacy.Example?.NoiseByExamples ?? []).Concat(spec.Privacy.Local?.NoiseByExamples ?? []).Select(step => step.Examples);
        var sampled = charges.Select(charge => charge.SamplingProbability).OfType<double>().Where(q => q is > 0 and < 1).Select(q => spec.Training.BatchSize / q);
        return [1, .. steps, .. sampled.Where(examples => examples < int.MaxValue).Select(examples => (int)Math.Round(examples))];
    }

    private static bool AreSame(IReadOnlyList<PrivacyCharge> planned, IReadOnlyList<PrivacyCharge> charges) => planned.Count == charges.Count && planned
        .Zip(charges)
        .All(pair => pair.First with { NoiseMultiplier = null, SamplingProbability = null } == pair.Second with { NoiseMultiplier = null, SamplingProbability = null }
            && IsSame(pair.First.NoiseMultiplier, pair.Second.NoiseMultiplier)
            && IsSame(pair.First.SamplingProbability, pair.Second.SamplingProbability));

    private static bool IsSame(double? planned, double? charged) => (planned, charged) switch
    {
        ({ } first, { } second) => Math.Abs(first - second) <= Tolerance * Math.Abs(first),
        _ => planned == charged,
    };
}
