using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Accounting.Budgets;

/// <summary>An (ε, δ) budget as a filter at a fixed Rényi order α: charges may be added while their sum is at most its capacity.</summary>
/// <remarks>
/// Feldman and Zrnic 2021, arXiv:2008.11193, theorem 4.3: valid for charges chosen one after the other. Conversion: Canonne, Kamath and Steinke 2020,
/// arXiv:2004.00010, proposition 12.
/// </remarks>
public static class RenyiBudget
{
    private const double Margin = 1e-12;
    private const double MostUnits = 1L << 61;
    private const double LeastOrderAbove = 1.0 / 64;
    private const double LargestOrderAbove = 1 << 15;
    private const int Refinements = 24;

    /// <summary>⌊(ε − ln(1 − 1/α) + ln(δα)/(α − 1))·10⁹⌋, the units that may be spent.</summary>
    /// <param name="epsilon">ε, finite and above 0.</param>
    /// <param name="delta">δ, in (0, 1).</param>
    /// <param name="order">α, finite and above 1.</param>
    /// <returns>At least 0.</returns>
    public static long Capacity(double epsilon, double delta, double order)
    {
        Require.Positive(epsilon);
        var units = Math.Floor((epsilon - Conversion(order, delta)) * RenyiCharge.UnitsPerEpsilon * (1 - Margin));
        return (long)Math.Clamp(units, 0, MostUnits);
    }

    /// <summary>ε at δ of spent units: what the filter has let through, proved at its own order alone.</summary>
    /// <param name="spentUnits">At least 0.</param>
    /// <param name="order">α, finite and above 1.</param>
    /// <param name="delta">δ, in (0, 1).</param>
    public static double Epsilon(long spentUnits, double order, double delta) =>
        spentUnits == 0 ? 0 : Math.Max(0, (spentUnits / RenyiCharge.UnitsPerEpsilon) + Conversion(order, delta));

    /// <summary>The order at which a budget allows the most repetitions of an event.</summary>
    /// <param name="epsilon">ε, finite and above 0.</param>
    /// <param name="delta">δ, in (0, 1).</param>
    /// <param name="charged">What is repeated; also a whole plan.</param>
    /// <returns>Above 1, to three decimals. Where nothing fits at any order, the one that comes closest.</returns>
    /// <remarks>
    /// The repetitions are (ε − conversion(α))/ε(α). For any number of them the orders at which they fit are an interval, so the quotient has one peak: it is
    /// bracketed by doubling α − 1 and refined by halving.
    /// </remarks>
    public static double BestOrder(double epsilon, double delta, PrivacyEvent charged)
    {
        Require.Positive(epsilon);
        Require.Delta(delta);
        var curve = new RdpCurve(charged);
        var largest = Math.Min(LargestOrderAbove, curve.LargestOrder - 1);
        var best = LeastOrderAbove;
        for (var above = LeastOrderAbove; above <= largest; above *= 2)
        {
            best = Repetitions(above) > Repetitions(best) ? above : best;
        }

        var step = 2.0;
        for (var i = 0; i < Refinements; i++)
        {
            step = Math.Sqrt(step);
            var (lower, higher) = (best / step, Math.Min(best * step, largest));
            best = Repetitions(lower) > Repetitions(best) ? lower : Repetitions(higher) > Repetitions(best) ? higher : best;
        }

        return Math.Max(Math.Round(1 + best, 3), 1 + LeastOrderAbove);

        double Repetitions(double above)
        {
            var (left, each) = (epsilon - Conversion(1 + above, delta), curve.At(1 + above));
            // Beyond the budget smaller is worse too: what is missing, so that the search climbs toward orders that fit.
            return left <= 0 ? left : double.IsPositiveInfinity(each) ? 0 : left / each;
        }
    }

    // ln(1 − 1/α) − ln(δα)/(α − 1)
    private static double Conversion(double order, double delta) =>
        Math.Log(1 - (1 / Require.Order(order))) - (Math.Log(Require.Delta(delta) * order) / (order - 1));
}
