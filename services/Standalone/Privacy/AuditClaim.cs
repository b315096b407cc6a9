using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Privacy;

/// <summary>What the ledger charges for one task of a client, as it stands in the plan that server and worker share.</summary>
/// <param name="Mechanism">In words.</param>
/// <param name="Charge">Of the unit that the mechanism protects.</param>
/// <param name="ClipNorm">C.</param>
/// <param name="Budget">The unit's; what the accountant assumes where none is set.</param>
public sealed record AuditClaim(string Mechanism, PrivacyCharge Charge, double ClipNorm, BudgetTerms Budget)
{
    private PrivacyEvent Event => Pricing.EventOf(Charge);

    /// <summary>The claims of a run's mode: of DP-SGD, and of what noises whole updates. None without privacy.</summary>
    /// <param name="declaredExamples">n of the client, at least 1.</param>
    /// <remarks>
    /// In local+central it is the local noise that the ledger charges, against the strongest observer: what the Aggregator adds is not counted, so not audited.
    /// </remarks>
    public static IReadOnlyList<AuditClaim> Of(RunSpec run, SimulationBudgets budgets, int declaredExamples)
    {
        var privacy = run.Privacy;
        var charges = PrivacyPlan.Charges(run, declaredExamples, round: 1);
        var claims = new List<AuditClaim>();
        if (privacy.HasExample)
        {
            Add("example (DP-SGD)", PrivacyUnit.Example, privacy.Example!.ClipNorm, budgets.Example);
        }

        if (privacy.HasLocal)
        {
            Add("local (a client's update)", PrivacyUnit.Client, privacy.Local!.ClipNorm, budgets.Client);
        }
        else if (privacy.HasCentral)
        {
            Add("central (the sum of the updates)", PrivacyUnit.Client, privacy.Central!.ClipNorm, budgets.Client);
        }

        return claims;

        void Add(string mechanism, PrivacyUnit unit, double clipNorm, SimulationBudget? budget) => claims.Add(new AuditClaim(
            mechanism,
            charges.Single(charge => charge.Unit == unit),
            clipNorm,
            budget?.Terms ?? BudgetTerms.Assumed));
    }

    /// <summary>ε at δ by the filter, in the measure that the ledger would take for this charge.</summary>
    public double FilterEpsilon(double delta)
    {
        var measure = Pricing.MeasureOf(Budget, Event);
        return Pricing.ChargeOf(Event, measure) is { IsUnbounded: false } charge ? Pricing.EpsilonOf(charge.Units, measure, delta) : double.PositiveInfinity;
    }

    /// <summary>ε at δ by the privacy loss distribution, from above; null where there is no bound.</summary>
    public double? PldEpsilon(double delta) => PldAccountant.Epsilon(Event, delta).Upper is var upper && double.IsFinite(upper) ? upper : null;
}
