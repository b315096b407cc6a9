namespace FlEvents.DifferentialPrivacy.Accounting.Rdp;

/// <summary>How a Rényi divergence bound at one order becomes (ε, δ).</summary>
public sealed record RdpConversion
{
    /// <summary>
    /// ε(α) + ln(1 − 1/α) − ln(δα)/(α−1): Canonne, Kamath, Steinke 2020, arXiv:2004.00010, proposition 12; Balle et al. 2020, arXiv:1905.09982, theorem 21.
    /// With the bound by total variation, and never below 0.
    /// </summary>
    public static RdpConversion Improved { get; } = new();

    /// <summary>ε(α) + ln(1/δ)/(α−1): Mironov 2017, arXiv:1702.07476, proposition 3.</summary>
    public static RdpConversion Classic { get; } = new() { IsClassic = true, UsesTotalVariation = false };

    public bool IsClassic { get; init; }

    /// <summary>
    /// δ ≤ √(1 − e^(−KL)) (Bretagnolle and Huber) and KL ≤ ε(α) give ε = 0 where δ² &gt; 1 − e^(−ε(α)).
    /// </summary>
    public bool UsesTotalVariation { get; init; } = true;

    /// <summary>Without a floor at 0 the formula can return a negative ε, which is as good as 0.</summary>
    public bool HasFloor { get; init; } = true;

    /// <summary>Orders up to this one are used for the bound by total variation only. Other libraries set 1.01, because they lose digits below it.</summary>
    public double FormulaAbove { get; init; } = 1;

    /// <summary>ε at δ, by one order.</summary>
    /// <param name="order">α above 1.</param>
    /// <param name="divergence">ε(α), at least 0, or +∞.</param>
    /// <param name="delta">In (0, 1).</param>
    /// <returns>+∞ where this order says nothing.</returns>
    public double Epsilon(double order, double divergence, double delta)
    {
        if (UsesTotalVariation && (delta * delta) + Numerics.LogArithmetic.ExpM1(-divergence) > 0)
        {
            return 0;
        }

        if (IsClassic)
        {
            return divergence - (Math.Log(delta) / (order - 1));
        }

        return order <= FormulaAbove
            ? double.PositiveInfinity
            : divergence + Numerics.LogArithmetic.LogP1(-1 / order) - (Math.Log(delta * order) / (order - 1));
    }

    /// <summary>ln δ at ε, by one order.</summary>
    /// <param name="order">α above 1.</param>
    /// <param name="divergence">ε(α), at least 0, or +∞.</param>
    /// <param name="epsilon">At least 0.</param>
    /// <returns>May exceed 0, where the order says nothing.</returns>
    public double LogDelta(double order, double divergence, double epsilon)
    {
        var byVariation = UsesTotalVariation ? 0.5 * Math.Log(-Numerics.LogArithmetic.ExpM1(-divergence)) : double.PositiveInfinity;
        if (IsClassic)
        {
            return Math.Min(byVariation, (order - 1) * (divergence - epsilon));
        }

        return order <= FormulaAbove
            ? byVariation
            : Math.Min(byVariation, ((order - 1) * (divergence - epsilon + Numerics.LogArithmetic.LogP1(-1 / order))) - Math.Log(order));
    }
}
