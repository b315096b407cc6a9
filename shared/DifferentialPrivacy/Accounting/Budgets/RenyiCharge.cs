using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Accounting.Budgets;

/// <summary>What an event takes from a budget at a fixed Rényi order, in whole units.</summary>
public static class RenyiCharge
{
    /// <summary>Units in ε(α) = 1.</summary>
    public const double UnitsPerEpsilon = 1e9;

    // Above the relative error of every divergence here, which is below 1e-11.
    private const double Margin = 1e-9;
    private const double MostUnits = 1L << 61;

    /// <summary>⌈ε(α)·10⁹·(1 + 10⁻⁹)⌉.</summary>
    /// <param name="charged">What happens.</param>
    /// <param name="order">α, finite and above 1.</param>
    /// <returns>At least 1; null where there is no bound, or none that whole numbers of 64 bits can add.</returns>
    public static long? Units(PrivacyEvent charged, double order)
    {
        var curve = new RdpCurve(charged);
        if (curve.LogNothingInfinite != 0)
        {
            // A part that can fail outright has no divergence of its own: at a fixed order it is no charge.
            return null;
        }

        var units = Math.Ceiling(curve.At(order) * UnitsPerEpsilon * (1 + Margin));
        return units <= MostUnits ? Math.Max(1, (long)units) : null;
    }
}
