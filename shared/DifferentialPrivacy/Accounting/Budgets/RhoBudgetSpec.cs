namespace FlEvents.DifferentialPrivacy.Accounting.Budgets;

/// <summary>A budget of ρ in zCDP: Gaussian events are charged without amplification by sampling.</summary>
/// <param name="Rho">ρ, finite and above 0.</param>
public sealed record RhoBudgetSpec(double Rho) : PrivacyBudget
{
    public double Rho { get; } = Require.Positive(Rho);

    public override long Capacity { get; } = RoundedDown(Rho);

    public override PrivacyMeasure Measure => PrivacyMeasure.Zcdp;
}
