using System.Text.Json;
using FlEvents.DifferentialPrivacy.Accounting;

namespace FlEvents.Standalone.Privacy;

/// <summary>Reads what a vector's mechanism did.</summary>
public static class VectorEvents
{
    /// <summary>Names of how often something was done.</summary>
    public static readonly string[] Steps = ["steps", "count", "compositions", "num_compositions", "rounds", "num_steps"];

    /// <summary>Names of σ over the sensitivity; the first also where it is what is asked for.</summary>
    public static readonly string[] NoiseMultiplier = ["noise_multiplier", "z", "sigma_over_sensitivity"];

    /// <summary>Names of the sensitivity in the 2-norm.</summary>
    public static readonly string[] Sensitivity = ["l2_sensitivity", "sensitivity", "integer_sensitivity"];

    // Read elsewhere or not part of what happened.
    private static readonly string[] Aside = ["target_epsilon", "target_delta", "epsilon", "delta", "order", "orders"];

    /// <exception cref="VectorRefusedException">The mechanism or one of its parameters is not known, missing or out of range.</exception>
    public static PrivacyEvent Read(string mechanism, VectorFields parameters)
    {
        var read = mechanism switch
        {
            "poisson_subsampled_gaussian" or "subsampled_gaussian" or "dp_sgd" or "sampled_gaussian" => Sampled(parameters),
            "gaussian" or "continuous_gaussian" => Repeated(new GaussianEvent(Multiplier(parameters)), parameters),
            "laplace" => Repeated(new LaplaceEvent(LaplaceScale(parameters)), parameters),
            "discrete_gaussian" => Repeated(DiscreteGaussian(parameters), parameters),
            "discrete_laplace" or "geometric" => Repeated(
                new DiscreteLaplaceEvent(
                    parameters.Number("parameter_a", "parameter", "a"), parameters.OptionalWhole("integer_sensitivity", "l1_sensitivity", "sensitivity") ?? 1),
                parameters),
            "fixed_size_without_replacement_gaussian" or "sampled_without_replacement_gaussian" => FixedSize(parameters),
            "truncated_poisson_subsampled_gaussian" or "truncated_subsampled_gaussian" => new TruncatedSubsampledGaussianEvent(
                parameters.Whole("dataset_size", "n"),
                SamplingRate(parameters),
                parameters.Whole("truncated_batch_size", "max_batch_size"),
                Multiplier(parameters),
                parameters.OptionalWhole(Steps) ?? 1),
            "tree_aggregation_gaussian" or "tree_aggregation" => Tree(parameters),
            "zcdp" => Repeated(new ZcdpEvent(parameters.Number("rho"), parameters.OptionalNumber("xi") ?? 0), parameters),
            "approx_dp_black_box" or "approx_dp" or "pure_dp_black_box" or "pure_dp" => Repeated(
                new EpsilonDeltaEvent(parameters.Number("epsilon_each", "epsilon"), parameters.OptionalNumber("delta_each", "delta") ?? 0), parameters),
            "heterogeneous_composition" or "composition" => Composition(parameters),
            _ => throw new VectorRefusedException($"the mechanism \"{mechanism}\" is not known"),
        };
        RefuseOthers(parameters);
        return read;
    }

    /// <summary>Refuses parameters that nothing read and that could change an answer.</summary>
    public static void RefuseOthers(VectorFields parameters)
    {
        parameters.Find(Aside);
        parameters.RefuseUnreadNumbers();
    }

    /// <summary>σ over the sensitivity.</summary>
    public static double Multiplier(VectorFields parameters)
    {
        var sensitivity = parameters.OptionalNumber(Sensitivity) ?? 1;
        return parameters.OptionalNumber("sigma", "standard_deviation", "noise_stddev") is { } sigma
            ? sigma / sensitivity
            : parameters.Number(NoiseMultiplier);
    }

    /// <summary>The adjacency a vector names, in one spelling; null when it names none.</summary>
    public static string? Neighboring(VectorFields parameters) =>
        parameters.Text("neighboring", "neighboring_relation", "adjacency")?.ToLowerInvariant().Replace('-', '_');

    private static SubsampledGaussianEvent Sampled(VectorFields parameters)
    {
        if (Neighboring(parameters) == "replace_one")
        {
            throw new VectorRefusedException("Poisson sampling is accounted under add or remove one (zero-out) only, not under replace_one");
        }

        return new SubsampledGaussianEvent(SamplingRate(parameters), Multiplier(parameters), parameters.OptionalWhole(Steps) ?? 1);
    }

    private static DiscreteGaussianEvent DiscreteGaussian(VectorFields parameters)
    {
        var sensitivity = parameters.OptionalNumber(Sensitivity) ?? 1;
        var sigma = parameters.OptionalNumber("sigma_parameter", "sigma") ?? (sensitivity * parameters.Number(NoiseMultiplier));
        return new DiscreteGaussianEvent(sigma, sensitivity, parameters.OptionalWhole("dimension") ?? 1);
    }

    private static FixedSizeGaussianEvent FixedSize(VectorFields parameters)
    {
        if (Neighboring(parameters) is { } neighboring and not "replace_one")
        {
            throw new VectorRefusedException($"sampling of fixed size is accounted under replace_one only, not under {neighboring}");
        }

        return new FixedSizeGaussianEvent(
            parameters.Whole("dataset_size", "n"),
            parameters.Whole("sample_size", "batch_size"),
            Multiplier(parameters),
            parameters.OptionalWhole(Steps) ?? 1);
    }

    private static TreeGaussianEvent Tree(VectorFields parameters)
    {
        if (Neighboring(parameters) == "replace_one")
        {
            throw new VectorRefusedException("tree aggregation is accounted under replace_special (zero-out) only, not under replace_one");
        }

        // Of several trees a record enters one of, the largest counts.
        var steps = parameters.Find("step_counts") is { ValueKind: JsonValueKind.Array } counts
            ? counts.EnumerateArray().Max(count => count.GetInt64())
            : parameters.Whole("steps_per_tree", "max_steps", "step_counts", "steps");
        return new TreeGaussianEvent(Multiplier(parameters), steps, parameters.OptionalWhole("trees_per_record", "trees", "restarts", "epochs", "count") ?? 1);
    }

    private static EventSequence Composition(VectorFields parameters)
    {
        if (parameters.Find("events") is not { ValueKind: JsonValueKind.Array } events)
        {
            throw new VectorRefusedException("params.events is missing, expected a list of mechanisms");
        }

        var neighboring = Neighboring(parameters);
        return new EventSequence([.. events.EnumerateArray().Select((part, i) => Part(part, FormattableString.Invariant($"params.events[{i}]")))]);

        PrivacyEvent Part(JsonElement part, string place)
        {
            var fields = new VectorFields(part, place, parameters.Unknowns);
            var mechanism = fields.Text("mechanism") ?? throw new VectorRefusedException($"{place}.mechanism is missing");
            // A part may hold its parameters itself or under "params".
            var inner = fields.Find("params") is { } nested ? new VectorFields(nested, place, parameters.Unknowns) : fields;
            return Neighboring(inner) is null && neighboring == "replace_one" && mechanism.Contains("poisson", StringComparison.Ordinal)
                ? throw new VectorRefusedException("Poisson sampling is accounted under add or remove one (zero-out) only, not under replace_one")
                : Read(mechanism, inner);
        }
    }

    private static double SamplingRate(VectorFields parameters) =>
        parameters.OptionalNumber("sampling_probability", "sampling_rate", "sample_rate", "q") is { } rate
            ? rate
            : parameters.Number("batch_size", "sample_size") / parameters.Number("dataset_size", "n");

    private static double LaplaceScale(VectorFields parameters) =>
        parameters.OptionalNumber("scale_over_l1_sensitivity", "noise_multiplier") is { } multiplier
            ? multiplier
            : parameters.OptionalNumber("scale", "b") is { } scale
                ? scale / (parameters.OptionalNumber("l1_sensitivity", "sensitivity") ?? 1)
                : 1 / parameters.Number("epsilon_each", "epsilon");

    private static PrivacyEvent Repeated(PrivacyEvent once, VectorFields parameters) =>
        parameters.OptionalWhole(Steps) is { } count and not 1 ? new RepeatedEvent(once, count) : once;
}
