using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>
/// The rules of budgets told once more: every sum is formed anew from real numbers, and every cost from its definition. An order that the ledger chose by
/// itself is asked of it; all else is not.
/// </summary>
/// <param name="orderOf">Order of an account as the ledger has it, null before it is fixed.</param>
/// <param name="policyOf">Budgets of accounts that have none when they are charged, as they are now.</param>
internal sealed class NaiveBudgets(Func<string, PrivacyUnit, double?> orderOf, Func<LedgerPolicy> policyOf)
{
    private static readonly Dictionary<(double Alpha, double Z, double Q), double> Divergences = [];
    private readonly Dictionary<(string, PrivacyUnit), BudgetTerms> _budgets = [];
    private readonly Dictionary<(string, PrivacyUnit), (bool InRho, double Alpha)> _measures = [];

    /// <summary>Entries of budgets that were set.</summary>
    public int Entries { get; private set; }

    /// <summary>ρ, or the order, that an account is counted in; null before it is fixed.</summary>
    public (bool InRho, double Alpha)? MeasureOf(string owner, PrivacyUnit unit) => _measures.TryGetValue((owner, unit), out var measure) ? measure : null;

    /// <summary>Whether an owner's wish is granted: terms of the kind that the account is counted in.</summary>
    public bool Set(string owner, PrivacyUnit unit, BudgetTerms terms)
    {
        var key = (owner, unit);
        if (MeasureOf(owner, unit) is { } fixedOne && fixedOne.InRho != terms.Rho.HasValue)
        {
            return false;
        }

        if (!_budgets.TryGetValue(key, out var before) || (before.Epsilon, before.Delta, before.Rho) != (terms.Epsilon, terms.Delta, terms.Rho)
            || (MeasureOf(owner, unit) is null && before.Alpha != terms.Alpha))
        {
            Entries++;
        }

        _budgets[key] = terms;
        if (terms.Rho is not null || terms.Alpha is not null)
        {
            _measures.TryAdd(key, (terms.Rho is not null, terms.Alpha ?? 0));
        }

        return true;
    }

    /// <summary>Whether a charge fits what the account's charges so far leave of its budget.</summary>
    public bool Fits(string owner, PrivacyCharge charge, IEnumerable<PrivacyCharge> spent)
    {
        var terms = _budgets.GetValueOrDefault((owner, charge.Unit)) ?? policyOf().Defaults.GetValueOrDefault(charge.Unit);
        if (terms is null)
        {
            return true;
        }

        if (charge.Mechanism == PrivacyMechanism.Unbounded || (MeasureOf(owner, charge.Unit) is { } fixedOne && fixedOne.InRho != terms.Rho.HasValue))
        {
            return false;
        }

        if (MeasureFor(owner, charge.Unit, terms) is not { } measure)
        {
            return true;
        }

        var left = CapacityOf(terms, measure) - spent.Append(charge).Sum(part => CostOf(part, measure));
        Assert.True(Math.Abs(left) > 1e-6, $"{left} is left of {terms}: too close to tell by real numbers.");
        return left > 0;
    }

    /// <summary>Notes that a charge was taken: it may be the one that gives its account a budget and a measure.</summary>
    public void Take(string owner, PrivacyCharge charge)
    {
        var key = (owner, charge.Unit);
        if (!_budgets.ContainsKey(key) && policyOf().Defaults.GetValueOrDefault(charge.Unit) is { } given)
        {
            _budgets[key] = given;
            Entries++;
        }

        if (charge.Mechanism != PrivacyMechanism.Unbounded)
        {
            _measures.TryAdd(key, MeasureFor(owner, charge.Unit, _budgets.GetValueOrDefault(key))!.Value);
        }
    }

    /// <summary>The sum of charges in the account's measure; unbounded ones count nothing.</summary>
    public double Spent(string owner, PrivacyUnit unit, IEnumerable<PrivacyCharge> charges) =>
        MeasureOf(owner, unit) is { } measure ? charges.Sum(charge => CostOf(charge, measure)) : 0;

    /// <summary>All that may be spent; null without a budget, or before its measure is fixed.</summary>
    public double? Capacity(string owner, PrivacyUnit unit) =>
        _budgets.TryGetValue((owner, unit), out var terms) && MeasureOf(owner, unit) is { } measure ? CapacityOf(terms, measure) : null;

    private (bool InRho, double Alpha)? MeasureFor(string owner, PrivacyUnit unit, BudgetTerms? terms) =>
        MeasureOf(owner, unit) is { } fixedOne ? fixedOne
        : terms?.Rho is not null ? (true, 0)
        : (terms?.Alpha ?? orderOf(owner, unit)) is { } alpha ? (false, alpha)
        : null;

    // Proposition 12 of arXiv:2004.00010, solved for the divergence; ρ is itself.
    private static double CapacityOf(BudgetTerms terms, (bool InRho, double Alpha) measure) => measure.InRho
        ? terms.Rho!.Value
        : terms.Epsilon!.Value - Math.Log(1 - (1 / measure.Alpha)) + (Math.Log(terms.Delta!.Value * measure.Alpha) / (measure.Alpha - 1));

    private static double CostOf(PrivacyCharge charge, (bool InRho, double Alpha) measure)
    {
        if (charge.Mechanism == PrivacyMechanism.Unbounded)
        {
            return 0;
        }

        var (z, steps) = (charge.NoiseMultiplier!.Value, charge.Steps ?? 1);
        return steps * (measure.InRho ? 1 / (2 * z * z) : Divergence(measure.Alpha, z, charge.SamplingProbability ?? 1));
    }

    /// <summary>
    /// Rényi divergence of order α of (1 − q)·N(0, z²) + q·N(1, z²) from N(0, z²), by Simpson's rule: its definition in arXiv:1908.10530, which allows for no
    /// slip in a formula. To ten digits for the few parameters of these tests.
    /// </summary>
    private static double Divergence(double alpha, double z, double q)
    {
        if (Divergences.TryGetValue((alpha, z, q), out var known))
        {
            return known;
        }

        const int Steps = 40_000;
        var (low, high) = (-14 * z, alpha + (14 * z));
        var width = (high - low) / Steps;
        var sum = 0.0;
        for (var i = 0; i <= Steps; i++)
        {
            var x = low + (i * width);
            var ratio = (1 - q) + (q * Math.Exp(((2 * x) - 1) / (2 * z * z)));
            var weight = i is 0 or Steps ? 1 : i % 2 == 1 ? 4 : 2;
            sum += weight * Math.Exp((alpha * Math.Log(ratio)) - (x * x / (2 * z * z)));
        }

        return Divergences[(alpha, z, q)] = Math.Log(sum * width / 3 / (z * Math.Sqrt(2 * Math.PI))) / (alpha - 1);
    }
}
