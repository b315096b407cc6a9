using FlEvents.Contracts;
using FlEvents.Learning;

namespace FlEvents.Orchestrator.Runs;

/// <summary>What a privacy mode needs of the rest of a run, and what its guarantee would not hold with. Each refusal says why.</summary>
internal static class PrivacyRules
{
    public static IEnumerable<SpecError> Check(RunSpec spec, string root)
    {
        var privacy = spec.Privacy;
        var path = $"{root}.privacy";
        return
        [
            .. Section(privacy, "example", privacy.Example, privacy.HasExample, path),
            .. Section(privacy, "local", privacy.Local, privacy.HasLocal, path),
            .. Section(privacy, "central", privacy.Central, privacy.HasCentral, path),
            .. privacy.IsPrivate ? Private(spec, root) : [],
            .. privacy.HasCentral ? Central(spec, root) : [],
            .. privacy is { HasCentral: true, Central.Adaptive: { } adaptive } ? Adaptive(spec, adaptive, $"{path}.central") : [],
            .. Steps(privacy.Example?.NoiseMultiplier, privacy.Example?.NoiseByExamples, $"{path}.example.noiseByExamples"),
            .. Steps(privacy.Local?.NoiseMultiplier, privacy.Local?.NoiseByExamples, $"{path}.local.noiseByExamples"),
        ];
    }

    private static IEnumerable<SpecError> Section(PrivacySpec privacy, string name, object? section, bool isNeeded, string path)
    {
        var mode = SpecKeys.Names(typeof(PrivacyMode))[(int)privacy.Mode];
        if (isNeeded && section is null)
        {
            yield return new($"{path}.{name}", $"missing; expected the clipping norm and the noise of mode {mode}");
        }
        else if (!isNeeded && section is not null)
        {
            yield return new($"{path}.{name}", $"expected a mode with {name}, got mode {mode}, which would not use it");
        }
    }

    private static IEnumerable<SpecError> Private(RunSpec spec, string root)
    {
        if (spec.Evaluation.Federated)
        {
            yield return new($"{root}.evaluation.federated", "expected false in a private run, since clients would send counts that nothing noised, got true");
        }

        if (spec.Training.ValidationFraction > 0)
        {
            yield return new(
                $"{root}.training.validationFraction",
                $"expected 0 in a private run, where no client scores a model, got {SpecText.Number(spec.Training.ValidationFraction)}");
        }

        if (spec.Selection.CloseOnTarget)
        {
            yield return new($"{root}.selection.closeOnTarget", "expected false in a private run, since which clients were fastest would show, got true");
        }

        if (spec.KeepUpdates != KeepUpdates.None)
        {
            yield return new($"{root}.keepUpdates", "expected none in a private run, whose updates are deleted with their round, got all");
        }
    }

    /// <summary>More examples, less noise: an order in which no step is without effect.</summary>
    private static IEnumerable<SpecError> Steps(double? noiseMultiplier, IReadOnlyList<ClientNoiseSpec>? steps, string path)
    {
        var (examples, noise) = (0, noiseMultiplier ?? 0);
        for (var i = 0; i < steps?.Count; i++)
        {
            if (steps[i].Examples <= examples)
            {
                yield return new($"{path}[{i}].examples", $"expected more than {examples}, the step before, got {steps[i].Examples}");
            }

            if (steps[i].NoiseMultiplier >= noise)
            {
                yield return new(
                    $"{path}[{i}].noiseMultiplier",
                    $"expected less than {SpecText.Number(noise)}, that of fewer examples, got {SpecText.Number(steps[i].NoiseMultiplier)}");
            }

            (examples, noise) = (steps[i].Examples, steps[i].NoiseMultiplier);
        }
    }

    private static IEnumerable<SpecError> Adaptive(RunSpec spec, AdaptiveClippingSpec adaptive, string path)
    {
        var central = spec.Privacy.Central!;
        if (spec.Privacy.HasLocal)
        {
            yield return new($"{path}.adaptive", "expected none in mode local+central, where clients clip and noise before anyone could count whose update was cut");
        }

        if (adaptive.LargestNorm < adaptive.SmallestNorm)
        {
            yield return new(
                $"{path}.adaptive.largestNorm", $"expected at least smallestNorm, {SpecText.Number(adaptive.SmallestNorm)}, got {SpecText.Number(adaptive.LargestNorm)}");
        }
        else if (central.ClipNorm < adaptive.SmallestNorm || central.ClipNorm > adaptive.LargestNorm)
        {
            var range = $"{SpecText.Number(adaptive.SmallestNorm)} to {SpecText.Number(adaptive.LargestNorm)}";
            yield return new($"{path}.clipNorm", $"expected to begin in the range it adapts in, {range}, got {SpecText.Number(central.ClipNorm)}");
        }

        if (adaptive.CountNoise is { } noise && central.NoiseMultiplier >= 2 * noise)
        {
            yield return new(
                $"{path}.adaptive.countNoise",
                $"expected more than half the noise multiplier, {SpecText.Number(central.NoiseMultiplier / 2)}, or the count alone would "
                + $"cost more than the round is charged for, got {SpecText.Number(noise)}");
        }
    }

    private static IEnumerable<SpecError> Central(RunSpec spec, string root)
    {
        if (spec.Selection.Count is null)
        {
            yield return new(
                $"{root}.selection.count",
                "missing; expected the number of clients in mode central, since noise and divisor are set for it and must not depend on who is there");
        }
        else if (spec.Selection.MinimumClients > spec.Selection.Count)
        {
            yield return new(
                $"{root}.selection.minimumClients",
                $"expected at most the cohort's count, {spec.Selection.Count}, for which noise and divisor are set, got {spec.Selection.MinimumClients}");
        }

        if (spec.Aggregation.Weights == AggregationWeights.Examples)
        {
            yield return new(
                $"{root}.aggregation.weights",
                "expected uniform in mode central, since a client with more examples would move the sum by more than the clipping norm, got examples");
        }

        if (spec.Aggregation.LateRounds > 0)
        {
            yield return new(
                $"{root}.aggregation.lateRounds",
                $"expected 0 in mode central, where an update is charged for the round it was made for and may not enter another, got {spec.Aggregation.LateRounds}");
        }

        if (spec.Privacy is { HasLocal: true, Local: { } local, Central: { } central } && local.ClipNorm != central.ClipNorm)
        {
            yield return new(
                $"{root}.privacy.central.clipNorm",
                $"expected that of local, {SpecText.Number(local.ClipNorm)}, since an update is clipped once, got {SpecText.Number(central.ClipNorm)}");
        }
    }
}
