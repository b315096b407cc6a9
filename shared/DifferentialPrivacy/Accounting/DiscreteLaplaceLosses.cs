namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>The privacy loss of one integer with discrete Laplace noise: Δ + 1 values a(Δ − 2j), j = 0 … Δ.</summary>
public static class DiscreteLaplaceLosses
{
    /// <summary>Each value of the loss, smallest first, with its probability under the noise around the larger data set's answer.</summary>
    /// <remarks>With noise x around 0 and the other answer at Δ, the loss is a(|x − Δ| − |x|): aΔ for x ≤ 0, −aΔ for x ≥ Δ, a(Δ − 2x) between.</remarks>
    public static IEnumerable<(double Mass, double Loss)> Of(DiscreteLaplaceEvent part)
    {
        var (a, sensitivity) = (part.Parameter, part.Sensitivity);
        var half = 1 / (1 + Math.Exp(-a));
        yield return (Math.Exp(-a * sensitivity) * half, -a * sensitivity);
        for (var x = sensitivity - 1; x >= 1; x--)
        {
            yield return (Math.Tanh(a / 2) * Math.Exp(-a * x), a * (sensitivity - (2 * x)));
        }

        yield return (half, a * sensitivity);
    }
}
