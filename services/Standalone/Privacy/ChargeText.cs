using System.Globalization;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Standalone.Privacy;

/// <summary>A charge in one line for people.</summary>
public static class ChargeText
{
    /// <summary>e.g. <c>gaussian z = 1</c>, or <c>subsampledGaussian z = 1.1, q = 0.05, 20 steps</c>; z is σ/Δ.</summary>
    public static string Of(PrivacyCharge charge)
    {
        var name = SpecKeys.Names(typeof(PrivacyMechanism))[(int)charge.Mechanism];
        string?[] parts =
        [
            charge.NoiseMultiplier is { } z ? $"z = {Number(z)}" : null,
            charge.SamplingProbability is { } q ? $"q = {Number(q)}" : null,
            charge.Steps is { } steps ? string.Create(CultureInfo.InvariantCulture, $"{steps:N0} step{(steps == 1 ? "" : "s")}") : null,
        ];
        return $"{name} {string.Join(", ", parts.OfType<string>())}".TrimEnd();
    }

    private static string Number(double value) => value.ToString("G5", CultureInfo.InvariantCulture);
}
