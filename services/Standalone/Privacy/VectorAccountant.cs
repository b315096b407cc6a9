using System.Text.Json;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.Standalone.Privacy;

/// <summary>One of the accountants a vector can name.</summary>
/// <param name="Epsilon">ε of an event at δ.</param>
/// <param name="Delta">δ of an event at ε; null where the accountant has none.</param>
/// <param name="Tolerance">Relative tolerance to calibrate with.</param>
public sealed record VectorAccountant(Func<PrivacyEvent, double, Bracket> Epsilon, Func<PrivacyEvent, double, Bracket>? Delta, double Tolerance = 1e-10)
{
    private const double PldTolerance = 1e-5;

    /// <exception cref="VectorRefusedException">The accountant is not known, or is not a bound.</exception>
    public static VectorAccountant Of(string kind, VectorFields accountant) => kind switch
    {
        "rdp" => Rdp(accountant),
        "pld" or "prv" => Pld(accountant),
        "zcdp" => Zcdp(accountant),
        "analytic_gaussian" => new(
            (composed, delta) => AnalyticGaussian.Epsilon(AsGaussian(composed), delta),
            (composed, epsilon) => AnalyticGaussian.Delta(AsGaussian(composed), epsilon)),
        "basic" or "basic_composition" => new(BasicEpsilon, null),
        "advanced" or "advanced_composition" => new((composed, delta) => AdvancedEpsilon(composed, delta, accountant), null),
        "optimal" or "optimal_composition" or "kov" => new(OptimalEpsilon, OptimalDelta),
        "gdp_clt" or "gdp" or "clt" => throw new VectorRefusedException($"{kind} is a central-limit approximation, not a bound: it can understate ε"),
        _ => throw new VectorRefusedException($"the accountant \"{kind}\" is not known"),
    };

    /// <summary>The orders an accountant names; null to optimise over all.</summary>
    public static IReadOnlyList<double>? Orders(VectorFields accountant)
    {
        if (accountant.Find("orders", "order") is not { } orders)
        {
            return null;
        }

        return orders.ValueKind switch
        {
            JsonValueKind.String => OrderList.Parse(orders.GetString()!),
            JsonValueKind.Array => [.. orders.EnumerateArray().Select(order => order.GetDouble())],
            JsonValueKind.Number => [orders.GetDouble()],
            _ => throw new VectorRefusedException($"accountant.orders is {orders.GetRawText()}, expected a list of orders"),
        };
    }

    private static VectorAccountant Rdp(VectorFields accountant)
    {
        var (orders, conversion) = (Orders(accountant), Conversion(accountant.Text("conversion")));
        return new(
            (composed, delta) => RdpAccountant.Epsilon(composed, delta, orders, conversion).Value,
            (composed, epsilon) => RdpAccountant.Delta(composed, epsilon, orders, conversion).Value);
    }

    /// <summary>A conversion begins with its name, and may say "no floor" and the bound by total variation.</summary>
    private static RdpConversion? Conversion(string? text)
    {
        if (text is null)
        {
            return null;
        }

        var usesTotalVariation = text.Contains("expm1(-rdp)", StringComparison.OrdinalIgnoreCase);
        var isClassic = text.StartsWith("classic", StringComparison.OrdinalIgnoreCase);
        if (!isClassic && !text.StartsWith("improved", StringComparison.OrdinalIgnoreCase))
        {
            throw new VectorRefusedException($"the conversion \"{text}\" is not known, expected improved or classic");
        }

        // The library that has the bound by total variation skips orders up to 1.01.
        return new RdpConversion
        {
            IsClassic = isClassic,
            UsesTotalVariation = usesTotalVariation,
            FormulaAbove = usesTotalVariation ? 1.01 : 1,
            HasFloor = !text.Contains("no floor", StringComparison.OrdinalIgnoreCase),
        };
    }

    private static VectorAccountant Pld(VectorFields accountant)
    {
        var isOptimistic = accountant.Text("estimate")?.StartsWith("optimistic", StringComparison.OrdinalIgnoreCase) == true;
        return new(
            (composed, delta) => Of(composed, PldAccountant.Epsilon(composed, delta)),
            (composed, epsilon) => Of(composed, PldAccountant.Delta(composed, epsilon)),
            PldTolerance);

        Bracket Of(PrivacyEvent composed, CertifiedBound bound) => PldAccountant.WhyNot(composed) is { } reason
            ? throw new VectorRefusedException(reason)
            : new Bracket(isOptimistic ? bound.Lower : bound.Upper, bound.Lower, bound.Upper);
    }

    private static VectorAccountant Zcdp(VectorFields accountant)
    {
        var isClassic = accountant.Text("conversion")?.StartsWith("classic", StringComparison.OrdinalIgnoreCase) == true;
        return new(
            (composed, delta) => isClassic ? ZcdpAccountant.ClassicEpsilon(Total(composed), delta) : ZcdpAccountant.Epsilon(Total(composed), delta).Value,
            (composed, epsilon) => ZcdpAccountant.Delta(Total(composed), epsilon).Value);
    }

    /// <summary>ρ of an event.</summary>
    public static ZcdpEvent Total(PrivacyEvent composed) =>
        ZcdpAccountant.Total(composed) ?? throw new VectorRefusedException("the event has no zCDP bound");

    private static double AsGaussian(PrivacyEvent composed)
    {
        var inverseVariance = 0.0;
        foreach (var (part, count) in EventParts.Of(composed))
        {
            inverseVariance += part is GaussianEvent gaussian
                ? count / (gaussian.NoiseMultiplier * gaussian.NoiseMultiplier)
                : throw new VectorRefusedException("the analytic Gaussian answers for Gaussian releases on all data only");
        }

        return 1 / Math.Sqrt(inverseVariance);
    }

    private static Bracket BasicEpsilon(PrivacyEvent composed, double delta) => CompositionTheorems.Basic(composed) is var total && total.Delta <= delta
        ? total.Epsilon
        : throw new VectorRefusedException(FormattableString.Invariant($"the parts' δ add up to {total.Delta}, more than {delta}"));

    private static Bracket AdvancedEpsilon(PrivacyEvent composed, double delta, VectorFields accountant) =>
        accountant.OptionalNumber("delta_prime", "delta_slack") is { } slack
            ? CompositionTheorems.AdvancedEpsilonWithSlack(composed, slack)
            : CompositionTheorems.AdvancedEpsilon(composed, delta);

    private static Bracket OptimalEpsilon(PrivacyEvent composed, double delta) => Homogeneous(composed) is var (each, count)
        ? CompositionTheorems.OptimalEpsilon(each.Epsilon, each.Delta, count, delta)
        : PldAccountant.Epsilon(composed, delta).Upper;

    private static Bracket OptimalDelta(PrivacyEvent composed, double epsilon) => Homogeneous(composed) is var (each, count)
        ? CompositionTheorems.OptimalDelta(each.Epsilon, each.Delta, count, epsilon)
        : PldAccountant.Delta(composed, epsilon).Upper;

    private static (EpsilonDeltaEvent Each, long Count)? Homogeneous(PrivacyEvent composed)
    {
        var parts = EventParts.Of(composed);
        return parts.Any(part => part.Event is not EpsilonDeltaEvent)
            ? throw new VectorRefusedException("optimal composition answers for (ε, δ) mechanisms only")
            : parts is [{ Event: EpsilonDeltaEvent each, Count: var count }] ? (each, count) : null;
    }
}
