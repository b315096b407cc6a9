using System.Text.Json;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.Standalone.Privacy;

/// <summary>Answers a vector: a mechanism, an accountant and a quantity, in the form in which reference values are exchanged.</summary>
public static class VectorAnswering
{
    /// <summary>Always an answer: whatever is wrong with the vector is its <see cref="VectorAnswer.Unsupported"/>.</summary>
    public static VectorAnswer Answer(JsonElement vector)
    {
        var id = vector.ValueKind == JsonValueKind.Object && vector.TryGetProperty("id", out var member)
            ? member.ValueKind == JsonValueKind.String ? member.GetString() : member.GetRawText()
            : null;
        try
        {
            return Solve(id, vector);
        }
        catch (Exception e) when (e is VectorRefusedException or ArgumentException or FormatException or ArithmeticException or InvalidOperationException)
        {
            return new VectorAnswer(id, null, null, null, Reason(e));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A defect of this program costs one answer, not the batch; its name shows what it is.
            return new VectorAnswer(id, null, null, null, $"failed: {e.GetType().Name}: {Reason(e)}");
        }
    }

    private static VectorAnswer Solve(string? id, JsonElement json)
    {
        var vector = new VectorFields(json, "vector");
        var mechanism = vector.Text("mechanism") ?? throw new VectorRefusedException("mechanism is missing");
        var quantity = VectorQuantity.Parse(vector.Text("quantity") ?? throw new VectorRefusedException("quantity is missing"));
        var accountant = new VectorFields(vector.Find("accountant") ?? throw new VectorRefusedException("accountant is missing"), "accountant");
        var kind = accountant.Text("kind")?.ToLowerInvariant() ?? throw new VectorRefusedException("accountant.kind is missing");
        var parameters = new VectorFields(vector.Find("params") ?? default, "params");
        if (mechanism == "adaptive_clipping_noise_split")
        {
            return NoiseSplit(id, quantity, parameters);
        }

        var bracket = VectorFormulas.Answer(kind, mechanism, quantity.Name, vector, parameters)
            ?? Accounted(kind, mechanism, quantity, vector, parameters, accountant);
        if (!double.IsFinite(bracket.Value))
        {
            throw new VectorRefusedException("there is no finite bound");
        }

        return quantity.Parts.Count > 0
            ? new VectorAnswer(id, VectorQuantity.Pick(bracket, quantity.Parts), bracket.Lower, bracket.Upper, null)
            : new VectorAnswer(id, bracket.Value, bracket.Lower, bracket.Upper, null);
    }

    private static Bracket Accounted(
        string kind, string mechanism, VectorQuantity quantity, VectorFields vector, VectorFields parameters, VectorFields accountant)
    {
        if (kind is "rdp_curve" || quantity.Name is "rdp" or "rdp_per_step" or "renyi_divergence")
        {
            return Divergence(mechanism, quantity.Name, parameters, accountant);
        }

        var chosen = VectorAccountant.Of(kind, accountant);
        switch (quantity.Name)
        {
            case "epsilon":
                return chosen.Epsilon(VectorEvents.Read(mechanism, parameters), Delta(vector, parameters));
            case "epsilon_upper" or "epsilon_lower" or "epsilon_estimate":
                return Side(quantity.Name, chosen.Epsilon(VectorEvents.Read(mechanism, parameters), Delta(vector, parameters)));
            case "delta" or "delta_upper" or "delta_lower":
                var delta = chosen.Delta ?? throw new VectorRefusedException($"the accountant \"{kind}\" does not answer for δ");
                return Side(quantity.Name, delta(VectorEvents.Read(mechanism, parameters), Epsilon(vector, parameters)));
            case "noise_multiplier" or "sigma":
                return NoiseMultiplier(chosen, mechanism, quantity.Name, vector, parameters);
            case "steps" or "max_steps" or "rounds" or "max_rounds":
                return MostSteps(chosen, mechanism, vector, parameters);
            case "rho":
                return VectorAccountant.Total(VectorEvents.Read(mechanism, parameters)).Rho;
            case "optimal_order" when kind == "rdp":
                return RdpAccountant.Epsilon(VectorEvents.Read(mechanism, parameters), Delta(vector, parameters), VectorAccountant.Orders(accountant)).Order;
            default:
                throw new VectorRefusedException($"the quantity \"{quantity.Name}\" is not known");
        }
    }

    /// <summary>The side of a bracket that a quantity's name ends in; all of it where it names none.</summary>
    private static Bracket Side(string name, Bracket bracket) => name.IndexOf('_', StringComparison.Ordinal) is var end && end < 0
        ? bracket
        : bracket with { Value = VectorQuantity.Pick(bracket, name[(end + 1)..]) };

    private static double Divergence(string mechanism, string quantity, VectorFields parameters, VectorFields accountant)
    {
        var order = parameters.OptionalNumber("order", "alpha") ?? accountant.Number("order", "alpha");
        var composed = VectorEvents.Read(mechanism, parameters);
        var divergence = new RdpCurve(composed).At(order);
        return quantity == "rdp_per_step" ? divergence / EventParts.Of(composed).Sum(part => part.Count) : divergence;
    }

    private static Bracket NoiseMultiplier(VectorAccountant accountant, string mechanism, string quantity, VectorFields vector, VectorFields parameters)
    {
        var (target, delta) = (Epsilon(vector, parameters), Delta(vector, parameters));
        var scale = quantity == "sigma" ? parameters.OptionalNumber(VectorEvents.Sensitivity) ?? 1 : 1;
        var asked = parameters.Find(VectorEvents.NoiseMultiplier) is null ? VectorEvents.NoiseMultiplier[0]
            : throw new VectorRefusedException("params.noise_multiplier is given, but it is what is asked for");
        var upper = Solve(bracket => bracket.Value, null);
        double? lower = accountant.Epsilon(At(upper / scale), delta).Lower is null ? null : Solve(bracket => bracket.Lower ?? 0, upper / scale);
        return new Bracket(upper, lower, lower is null ? null : upper);

        PrivacyEvent At(double z) => VectorEvents.Read(mechanism, new VectorFields(parameters.Json, "params", new Dictionary<string, double> { [asked] = z }));

        double Solve(Func<Bracket, double> side, double? near) =>
            scale * (Calibration.NoiseMultiplier(z => side(accountant.Epsilon(At(z), delta)), target, accountant.Tolerance, near)
            ?? throw new VectorRefusedException(FormattableString.Invariant($"no noise multiplier reaches ε = {target}")));
    }

    private static Bracket MostSteps(VectorAccountant accountant, string mechanism, VectorFields vector, VectorFields parameters)
    {
        var (target, delta) = (Epsilon(vector, parameters), Delta(vector, parameters));
        var asked = VectorEvents.Steps[0];
        return Calibration.Steps(
            steps => accountant.Epsilon(
                VectorEvents.Read(mechanism, new VectorFields(parameters.Json, "params", new Dictionary<string, double> { [asked] = steps })), delta).Value,
            target);
    }

    /// <summary>σ_b of adaptive clipping, by default m/20, and z_Δ for it.</summary>
    private static VectorAnswer NoiseSplit(string? id, VectorQuantity quantity, VectorFields parameters)
    {
        var z = parameters.Number(VectorEvents.NoiseMultiplier);
        var countNoise = parameters.OptionalNumber("clipped_count_stddev", "sigma_b") ?? (parameters.Number("clients_per_round", "m") / 20);
        var updateNoise = AdaptiveClipping.UpdateNoiseMultiplier(z, countNoise);
        double Named(string name) => name switch
        {
            "sigma_b" or "clipped_count_stddev" => countNoise,
            "z_delta" => updateNoise,
            _ => throw new VectorRefusedException($"the quantity \"{name}\" is not known"),
        };
        return new VectorAnswer(id, quantity.Parts.Count > 0 ? quantity.Parts.Select(Named).ToArray() : Named(quantity.Name), null, null, null);
    }

    internal static double Delta(VectorFields vector, VectorFields parameters) =>
        vector.OptionalNumber("delta") ?? parameters.OptionalNumber("target_delta") ?? throw new VectorRefusedException("delta is missing");

    internal static double Epsilon(VectorFields vector, VectorFields parameters) =>
        vector.OptionalNumber("epsilon", "target_epsilon") ?? parameters.OptionalNumber("target_epsilon", "epsilon")
            ?? throw new VectorRefusedException("epsilon is missing");

    /// <summary>The message in one line, without the name of an argument inside the program.</summary>
    private static string Reason(Exception e)
    {
        var end = e.Message.IndexOf(" (Parameter '", StringComparison.Ordinal);
        return (end < 0 ? e.Message : e.Message[..end]).ReplaceLineEndings(" ");
    }
}
