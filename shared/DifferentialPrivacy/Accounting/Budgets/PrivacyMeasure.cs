using System.Globalization;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Accounting.Budgets;

/// <summary>What charges are added up in: Rényi divergence at one order, or ρ of zCDP. Charges of two measures can't be added.</summary>
public abstract record PrivacyMeasure
{
    private protected PrivacyMeasure()
    {
    }

    /// <summary>ρ of zero-concentrated differential privacy.</summary>
    public static PrivacyMeasure Zcdp { get; } = new ZcdpMeasure();

    /// <summary>The Rényi order α; null for ρ, which holds at every order.</summary>
    public virtual double? Order => null;

    /// <summary>The word that stands for it in logs and databases; null for Rényi divergence, which its order tells.</summary>
    public virtual string? Word => null;

    /// <summary>Rényi divergence at an order.</summary>
    /// <param name="alpha">α, finite and above 1.</param>
    public static PrivacyMeasure Renyi(double alpha) => new RenyiMeasure(alpha);

    /// <summary>The measure that a stored word and order stand for; null where there is neither.</summary>
    /// <exception cref="FormatException">They stand for none.</exception>
    public static PrivacyMeasure? Of(string? word, double? order) => (word, order) switch
    {
        (null, null) => null,
        (null, > 1 and < double.PositiveInfinity) => Renyi(order.Value),
        (ZcdpMeasure.Name, null) => Zcdp,
        _ => throw new FormatException(string.Create(
            CultureInfo.InvariantCulture, $"\"{word}\" with order {order} is no measure: expected {ZcdpMeasure.Name} without an order, or an order above 1 alone")),
    };

    /// <summary>What an event costs, in whole units of 10⁻⁹ rounded up; unbounded where it has no bound in this measure.</summary>
    public abstract BudgetCharge Charge(PrivacyEvent composed);

    /// <summary>ε at δ that a sum of charges proves, at least 0.</summary>
    /// <param name="units">Of 10⁻⁹, at least 0.</param>
    /// <param name="delta">In (0, 1).</param>
    public abstract double Epsilon(long units, double delta);
}

/// <summary>Rényi divergence at one order.</summary>
/// <param name="Alpha">α, finite and above 1.</param>
public sealed record RenyiMeasure(double Alpha) : PrivacyMeasure
{
    public double Alpha { get; } = Require.Order(Alpha);

    public override double? Order => Alpha;

    public override BudgetCharge Charge(PrivacyEvent composed)
    {
        var curve = new RdpCurve(composed);
        return curve.LogNothingInfinite < 0 ? BudgetCharge.Unbounded : BudgetCharge.RoundedUp(curve.At(Alpha));
    }

    /// <summary>By the improved conversion at α itself: a better order, chosen afterwards, would be no filter.</summary>
    public override double Epsilon(long units, double delta) =>
        units == 0 ? 0 : Math.Max(0, RdpConversion.Improved.Epsilon(Alpha, units / PrivacyBudget.UnitsPerOne, delta));

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"Rényi divergence at α = {Alpha}");
}

/// <summary>ρ of zCDP; Gaussian events are charged as if sampling took everything.</summary>
public sealed record ZcdpMeasure : PrivacyMeasure
{
    internal const string Name = "zcdp";

    internal ZcdpMeasure()
    {
    }

    public override string Word => Name;

    public override BudgetCharge Charge(PrivacyEvent composed) =>
        ZcdpAccountant.Total(composed) is { Xi: 0 } total ? BudgetCharge.RoundedUp(total.Rho) : BudgetCharge.Unbounded;

    /// <summary>At the best of all orders: a bound on ρ bounds the divergence at each of them.</summary>
    public override double Epsilon(long units, double delta) =>
        units == 0 ? 0 : Math.Max(0, ZcdpAccountant.Epsilon(new ZcdpEvent(units / PrivacyBudget.UnitsPerOne), delta).Value);

    public override string ToString() => "ρ of zCDP";
}
