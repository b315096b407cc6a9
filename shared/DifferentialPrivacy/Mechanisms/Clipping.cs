namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Flat clipping: a whole update, all tensors as one vector, scaled into a ball.</summary>
/// <remarks>
/// McMahan et al. 2018, arXiv:1710.06963. Updates are scaled onto C(1 − 2⁻²⁰), which leaves room for every rounding: 2⁻²⁴ of a coordinate, below n·2⁻⁵⁵ of
/// the norm. So the true norm of the result is at most C.
/// </remarks>
public static class Clipping
{
    /// <summary>1 − 2⁻²⁰.</summary>
    public const double Margin = 1 - (1.0 / (1 << 20));

    // Below this the gap between subnormal floats could exceed the margin; above its inverse a float overflows.
    private const double SmallestNorm = 1e-30;
    private const double LargestNorm = 1e30;

    /// <summary>Scales <paramref name="update"/> in place by min(1, C(1 − 2⁻²⁰)/‖Δ‖₂), so that ‖Δ‖₂ ≤ C.</summary>
    /// <param name="update">Δ, shape [P].</param>
    /// <param name="clipNorm">C, 10⁻³⁰ to 10³⁰, in parameter units.</param>
    /// <returns>‖Δ‖₂ before: a private value, not to be logged or sent.</returns>
    /// <exception cref="ArgumentOutOfRangeException">C is out of range.</exception>
    /// <exception cref="ArgumentException">An element is NaN or infinite; the update is then unchanged.</exception>
    public static double ClipL2(Span<float> update, double clipNorm)
    {
        CheckNorm(clipNorm);
        var sum = default(NormSum);
        sum.AddSquares(update);
        return Scale(update, Math.Sqrt(Finite(sum.Total)), clipNorm);
    }

    /// <summary>Scales <paramref name="update"/> in place by min(1, C(1 − 2⁻²⁰)/‖Δ‖₁), so that ‖Δ‖₁ ≤ C.</summary>
    /// <inheritdoc cref="ClipL2"/>
    /// <returns>‖Δ‖₁ before: a private value, not to be logged or sent.</returns>
    public static double ClipL1(Span<float> update, double clipNorm)
    {
        CheckNorm(clipNorm);
        var sum = default(NormSum);
        sum.AddMagnitudes(update);
        return Scale(update, Finite(sum.Total), clipNorm);
    }

    /// <summary>min(1, C(1 − 2⁻²⁰)/‖Δ‖).</summary>
    internal static double Factor(double norm, double clipNorm) => norm > clipNorm * Margin ? clipNorm * Margin / norm : 1;

    /// <exception cref="ArgumentOutOfRangeException">C is not finite, or not within 10⁻³⁰ to 10³⁰.</exception>
    internal static void CheckNorm(double clipNorm)
    {
        if (!(clipNorm >= SmallestNorm && clipNorm <= LargestNorm))
        {
            throw new ArgumentOutOfRangeException(nameof(clipNorm), clipNorm, $"The clipping norm is {clipNorm}; expected {SmallestNorm} to {LargestNorm}.");
        }
    }

    /// <exception cref="ArgumentException">The sum of a norm is NaN or infinite.</exception>
    private static double Finite(double sum) =>
        double.IsFinite(sum) ? sum : throw new ArgumentException("The update holds a NaN or an infinity; expected finite numbers.", nameof(sum));

    private static double Scale(Span<float> update, double norm, double clipNorm)
    {
        var factor = Factor(norm, clipNorm);
        if (factor < 1)
        {
            foreach (ref var value in update)
            {
                value = (float)(value * factor);
            }
        }

        return norm;
    }
}
