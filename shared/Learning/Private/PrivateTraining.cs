using FlEvents.Contracts;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Private;

/// <summary>Overwrites each value with a draw of N(0, σ²) from the system's cryptographic generator.</summary>
public delegate void NoiseFill(Span<double> values, double standardDeviation);

/// <summary>
/// Chooses each privacy unit of 0 … <paramref name="count"/> − 1 independently with probability <paramref name="rate"/>, by the system's cryptographic generator.
/// </summary>
/// <param name="count">At least 1.</param>
/// <param name="rate">In (0, 1].</param>
/// <param name="chosen">Receives those chosen; at least <paramref name="count"/> long.</param>
/// <returns>How many were chosen, which may be none.</returns>
public delegate int BatchDraw(int count, double rate, Span<int> chosen);

/// <summary>DP-SGD for one job: S steps on Poisson batches, each releasing (Σ clip_C(gᵢ) + N(0, (zC)²)) / (q·n).</summary>
/// <remarks>
/// Abadi et al. 2016, arXiv:1607.00133, algorithm 1. gᵢ is the gradient of example i's own loss, not of a mean over a batch. One example moves a step's sum
/// by at most C, so the accountant takes S Poisson-subsampled Gaussians of rate q and noise multiplier z.
/// <para>
/// An example is one row, or a privacy unit where the examples have them: all its rows are drawn together, and gᵢ is the gradient of the mean of their losses
/// (docs/privacy.md says why the mean).
/// </para>
/// </remarks>
public sealed record PrivateTraining
{
    /// <summary>1 − 2⁻²⁰: gradients are scaled to C times this, so that the true norm of what is summed is at most C.</summary>
    public const double ClipMargin = 1 - (1.0 / (1 << 20));

    private const double SmallestNorm = 1e-30;
    private const double LargestNorm = 1e30;

    /// <summary>q in (0, 1], the probability with which each example, a privacy unit, enters a batch.</summary>
    public required double SamplingRate { get; init; }

    /// <summary>S, at least 1: exactly so many steps, those of empty batches included.</summary>
    public required int Steps { get; init; }

    /// <summary>C, 10⁻³⁰ to 10³⁰: the bound on an example's whole gradient.</summary>
    public required double ClipNorm { get; init; }

    /// <summary>z = σ/C, finite and above 0.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>n, the declared number of examples, each a privacy unit, at least 1: q·n is the divisor, whatever a batch or the data set holds.</summary>
    public required int DeclaredExamples { get; init; }

    public required BatchDraw DrawBatch { get; init; }

    public required NoiseFill FillNoise { get; init; }

    /// <summary>Refuses settings and models for which the guarantee would not hold.</summary>
    /// <exception cref="ArgumentException">The message names the value and what was expected.</exception>
    public void Check(Model model)
    {
        Require(SamplingRate > 0 && SamplingRate <= 1, $"A sampling rate of {SamplingRate}; expected a number in (0, 1].");
        Require(Steps >= 1, $"{Steps} private steps; expected at least 1.");
        Require(ClipNorm is >= SmallestNorm and <= LargestNorm, $"A clipping norm of {ClipNorm}; expected {SmallestNorm} to {LargestNorm}.");
        Require(NoiseMultiplier > 0 && double.IsFinite(NoiseMultiplier), $"A noise multiplier of {NoiseMultiplier}; expected a finite number above 0.");
        Require(DeclaredExamples >= 1, $"{DeclaredExamples} declared examples; expected at least 1.");
        foreach (var layer in model.Layers)
        {
            if (Refusal(layer.Kind) is { } refusal)
            {
                throw new ArgumentException(refusal, nameof(model));
            }
        }
    }

    /// <summary>Why a kind of layer can't be trained privately; null when it can. A kind is refused until it is known to keep examples apart.</summary>
    public static string? Refusal(LayerKind kind) => kind switch
    {
        LayerKind.Linear or LayerKind.Conv2d or LayerKind.GroupNorm or LayerKind.Relu or LayerKind.Tanh
            or LayerKind.MaxPool2d or LayerKind.AvgPool2d or LayerKind.Flatten => null,
        _ => $"A layer of kind {kind} can't be trained with example-level privacy; expected layers that compute each example from that example alone.",
    };

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new ArgumentException(message);
        }
    }
}
