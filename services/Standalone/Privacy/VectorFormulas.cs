using FlEvents.DifferentialPrivacy.Accounting;

namespace FlEvents.Standalone.Privacy;

/// <summary>The noise of a single Gaussian release by formula, and what a formula really gives.</summary>
public static class VectorFormulas
{
    /// <summary>The answer where accountant or mechanism is one of these formulas; null for all others.</summary>
    public static Bracket? Answer(string kind, string mechanism, string quantity, VectorFields vector, VectorFields parameters)
    {
        if (kind == "analytic_gaussian" && mechanism == "gaussian" && quantity is "sigma" or "noise_multiplier")
        {
            // Of k releases each needs √k times the noise of one.
            var scale = Scale(quantity, parameters) * Math.Sqrt(parameters.OptionalWhole(VectorEvents.Steps) ?? 1);
            VectorEvents.RefuseOthers(parameters);
            return scale * AnalyticGaussian.NoiseMultiplier(VectorAnswering.Epsilon(vector, parameters), VectorAnswering.Delta(vector, parameters));
        }

        var isClassic = kind is "classic_gaussian" or "classic" || mechanism == "classic_gaussian";
        var isMistake = mechanism.Contains("tutorial", StringComparison.Ordinal) || kind.Contains("tutorial", StringComparison.Ordinal);
        if (!isClassic && !isMistake)
        {
            return null;
        }

        var (epsilon, delta) = (VectorAnswering.Epsilon(vector, parameters), VectorAnswering.Delta(vector, parameters));
        var sensitivity = Scale(quantity, parameters);
        VectorEvents.RefuseOthers(parameters);
        // The mistake adds where it should divide: σ = Δ/(ε + √(2 ln(1/δ))) falls far short of what ε needs.
        var noiseMultiplier = isMistake ? 1 / (epsilon + Math.Sqrt(-2 * Math.Log(delta))) : AnalyticGaussian.ClassicNoiseMultiplier(epsilon, delta);
        return quantity switch
        {
            "sigma" or "noise_multiplier" => sensitivity * noiseMultiplier,
            "epsilon" or "real_epsilon" => AnalyticGaussian.Epsilon(noiseMultiplier, delta),
            _ => throw new VectorRefusedException($"the quantity \"{quantity}\" is not known"),
        };
    }

    private static double Scale(string quantity, VectorFields parameters) =>
        (parameters.OptionalNumber(VectorEvents.Sensitivity) ?? 1) is var sensitivity && quantity == "sigma" ? sensitivity : 1;
}
