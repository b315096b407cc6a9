using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Budgets;

public sealed class BudgetTests
{
    private static readonly BudgetSpec Budget = new(3, 1e-5, 8);

    /// <summary>3 − ln(7/8) + ln(8·10⁻⁵)/7 = 1.7858…</summary>
    [Fact]
    public void The_capacity_is_the_formula_in_whole_units_rounded_down()
    {
        var exact = 3 - Math.Log(7.0 / 8) + (Math.Log(8e-5) / 7);

        Assert.InRange(Budget.Capacity, (exact * 1e9) - 5, exact * 1e9);
        Assert.Equal(0, new BudgetSpec(0.1, 1e-5, 8).Capacity);
    }

    /// <summary>8/(2·10²) = 0.04 exactly, and rounded up.</summary>
    [Fact]
    public void A_charge_is_the_divergence_at_alpha_rounded_up() => Assert.InRange(Budget.Charge(new GaussianEvent(10)).Units, 40_000_000, 40_000_002);

    [Fact]
    public void The_last_unit_is_admitted_and_no_more()
    {
        var rest = BudgetCharge.OfUnits(Budget.Capacity - 7);

        Assert.True(Budget.Admits(7, rest));
        Assert.False(Budget.Admits(8, rest));
        Assert.False(Budget.Admits(long.MaxValue, BudgetCharge.OfUnits(long.MaxValue)));
        Assert.False(Budget.Admits(-1, BudgetCharge.OfUnits(0)));
        Assert.True(Budget.Admits(Budget.Capacity, BudgetCharge.OfUnits(0)));
        Assert.False(Budget.Admits(Budget.Capacity + 1, BudgetCharge.OfUnits(0)));
    }

    [Fact]
    public void What_has_no_bound_is_never_admitted()
    {
        PrivacyEvent[] unbounded =
        [
            new UnboundedEvent(),
            new EventSequence(new GaussianEvent(100), new UnboundedEvent()),
            new EpsilonDeltaEvent(0.01, 1e-12),
            new RepeatedEvent(new GaussianEvent(1e-3), 1L << 40),
        ];
        foreach (var composed in unbounded)
        {
            var charge = Budget.Charge(composed);
            Assert.True(charge.IsUnbounded);
            Assert.False(Budget.Admits(0, charge));
            Assert.Equal(0, Budget.RoundsLeft(0, charge));
        }

        Assert.True(default(BudgetCharge).IsUnbounded);
        Assert.Throws<InvalidOperationException>(() => default(BudgetCharge).Units);
    }

    [Fact]
    public void Charges_add_without_ever_wrapping()
    {
        Assert.Equal(12, (BudgetCharge.OfUnits(5) + BudgetCharge.OfUnits(7)).Units);
        Assert.True((BudgetCharge.OfUnits(long.MaxValue) + BudgetCharge.OfUnits(1)).IsUnbounded);
        Assert.True((BudgetCharge.OfUnits(1) + BudgetCharge.Unbounded).IsUnbounded);
        Assert.Equal(15, BudgetCharge.OfUnits(5).Times(3).Units);
        Assert.True(BudgetCharge.OfUnits(1L << 40).Times(1L << 40).IsUnbounded);
    }

    /// <remarks>The point of the rounding: a budget that admitted every charge keeps its (ε, δ) by the accountant, order α alone.</remarks>
    [Fact]
    public void Whatever_was_admitted_keeps_the_promise()
    {
        var events = from q in Gen.Choose(1, 100)
                     from z in Gen.Choose(8, 40)
                     from steps in Gen.Choose(1, 40)
                     select (PrivacyEvent)new SubsampledGaussianEvent(q / 200.0, z / 10.0, steps);
        Prop.ForAll(Gen.ListOf(events).ToArbitrary(), asked =>
        {
            var (spent, admitted) = (0L, new List<PrivacyEvent>());
            foreach (var composed in asked)
            {
                var charge = Budget.Charge(composed);
                if (Budget.Admits(spent, charge))
                {
                    spent += charge.Units;
                    admitted.Add(composed);
                }
            }

            return RdpAccountant.Epsilon(new EventSequence(admitted), Budget.Delta, [Budget.Alpha]).Value <= Budget.Epsilon;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Rounds_left_are_those_that_would_be_admitted()
    {
        var charge = Budget.Charge(new GaussianEvent(10));
        var left = Budget.RoundsLeft(123, charge)!.Value;

        Assert.True(Budget.Admits(123 + ((left - 1) * charge.Units), charge));
        Assert.False(Budget.Admits(123 + (left * charge.Units), charge));
        Assert.Equal(left, Budget.RoundsLeft(123, Enumerable.Repeat(new GaussianEvent(10), 1000)));
        Assert.Null(Budget.RoundsLeft(0, Budget.Charge(new EventSequence())));
        Assert.Equal(2, Budget.RoundsLeft(0, [new GaussianEvent(10), new GaussianEvent(5), new GaussianEvent(0.1), new GaussianEvent(10)]));
    }

    [Fact]
    public void No_other_alpha_admits_more_rounds_of_the_plan()
    {
        PrivacyEvent[] round = [new SubsampledGaussianEvent(0.05, 1.2, 20)];
        PrivacyEvent[] decaying = [.. Enumerable.Range(0, 200).Select(i => new GaussianEvent(40.0 / (1 + (i / 20))))];
        foreach (var plan in new[] { round, decaying })
        {
            var proposed = Rounds(BudgetSpec.Propose(2, 1e-6, plan));
            for (var alpha = 1.5; alpha < 300; alpha *= 1.03)
            {
                Assert.True(Rounds(new BudgetSpec(2, 1e-6, alpha)) <= proposed + 1);
            }

            int Rounds(BudgetSpec budget) => budget.RoundsLeft(0, plan.Concat(Enumerable.Repeat(plan[^1], 5000)));
        }
    }

    [Fact]
    public void The_proposed_alpha_is_the_accountants_best_order_at_the_end_of_the_plan()
    {
        var round = new SubsampledGaussianEvent(0.01, 1.1, 10);
        var budget = BudgetSpec.Propose(3, 1e-5, [round]);
        var rounds = budget.RoundsLeft(0, budget.Charge(round))!.Value;

        var end = RdpAccountant.Epsilon(new RepeatedEvent(round, rounds), 1e-5);

        Assert.InRange(end.Value, 2.95, 3);
        Assert.InRange(budget.Alpha, end.Order - 0.3, end.Order + 0.3);
    }

    [Fact]
    public void A_budget_of_rho_charges_Gaussians_without_amplification()
    {
        var budget = new RhoBudgetSpec(0.1);

        Assert.InRange(budget.Capacity, 99_999_990, 100_000_000);
        Assert.InRange(budget.Charge(new SubsampledGaussianEvent(0.01, 10, 3)).Units, 15_000_000, 15_000_001);
        Assert.Equal(6, budget.RoundsLeft(0, budget.Charge(new SubsampledGaussianEvent(0.01, 10, 3))));
        Assert.True(budget.Charge(new ZcdpEvent(0.01, 0.01)).IsUnbounded);
        Assert.True(budget.Charge(new UnboundedEvent()).IsUnbounded);
    }

    [Theory, InlineData(0, 1e-5, 8), InlineData(3, 0, 8), InlineData(3, 1e-5, 1), InlineData(double.NaN, 1e-5, 8), InlineData(3, 1e-5, double.PositiveInfinity)]
    public void A_budget_out_of_range_is_refused(double epsilon, double delta, double alpha) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new BudgetSpec(epsilon, delta, alpha));

    [Fact]
    public void A_plan_without_rounds_is_refused() => Assert.Throws<ArgumentException>(() => BudgetSpec.Propose(3, 1e-5, []));

    /// <remarks>A ledger recomputes its charges: these must not move without a new version.</remarks>
    [Fact]
    public void Charges_of_this_version_are_these()
    {
        Assert.Equal("flevents-accounting/1", AccountantVersion.Current);
        Assert.Equal(40_000_001, Budget.Charge(new GaussianEvent(10)).Units);
        Assert.Equal(5_840_704, Budget.Charge(new SubsampledGaussianEvent(0.01, 1.1, 10)).Units);
        Assert.Equal(1_785_890_830, Budget.Capacity);
    }
}
