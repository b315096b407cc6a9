using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Rdp;

public sealed class RdpAccountantTests
{
    private static readonly SubsampledGaussianEvent Training = new(0.005, 1.2, 2000);

    /// <summary>By hand: z = 2, α = 5, δ = 10⁻⁵: ε(α) = 5/8, classic + ln(10⁵)/4, improved + ln(4/5) + (ln(10⁵) − ln 5)/4.</summary>
    [Fact]
    public void A_single_order_converts_as_by_hand()
    {
        var composed = new GaussianEvent(2);

        Assert.Equal(0.625 + (Math.Log(1e5) / 4), RdpAccountant.Epsilon(composed, 1e-5, [5], RdpConversion.Classic).Value, 1e-14);
        Assert.Equal(0.625 + Math.Log(0.8) + ((Math.Log(1e5) - Math.Log(5)) / 4), RdpAccountant.Epsilon(composed, 1e-5, [5]).Value, 1e-14);
        Assert.Equal(Math.Exp(4 * (0.625 - 3)), RdpAccountant.Delta(composed, 3, [5], RdpConversion.Classic).Value, 1e-14);
        Assert.Equal(Math.Exp((4 * (0.625 - 3 + Math.Log(0.8))) - Math.Log(5)), RdpAccountant.Delta(composed, 3, [5]).Value, 1e-14);
    }

    /// <summary>pytorch/opacus 1.5.4 and google dp_accounting 0.6.0 agree on 0.996107539787 at order 14 (vectors pub-01 and pub-05).</summary>
    [Fact]
    public void The_best_of_given_orders_is_used_exactly()
    {
        var orders = Enumerable.Range(11, 53).Select(order => (double)order).ToArray();

        var bound = RdpAccountant.Epsilon(Training, 1e-5, orders);

        Assert.Equal(0.996107539787, bound.Value, 1e-11);
        Assert.Equal(14, bound.Order);
        Assert.False(bound.AtEdge);
    }

    [Theory, InlineData(2.0, 10.0), InlineData(20.0, 64.0)]
    public void The_edge_of_given_orders_is_said(double first, double last)
    {
        var bound = RdpAccountant.Epsilon(Training, 1e-5, [first, (first + last) / 2, last]);

        Assert.True(bound.AtEdge);
    }

    [Fact]
    public void Without_given_orders_no_order_near_is_better()
    {
        PrivacyEvent[] events = [Training, new GaussianEvent(300), new SubsampledGaussianEvent(0.2, 0.6, 300), new LaplaceEvent(0.5), new ZcdpEvent(0.25)];
        foreach (var composed in events)
        {
            foreach (var delta in new[] { 1e-12, 1e-5, 0.01 })
            {
                var bound = RdpAccountant.Epsilon(composed, delta);
                Assert.False(bound.AtEdge);
                double[] near = [.. Enumerable.Range(-60, 121).Select(i => 1 + ((bound.Order - 1) * Math.Exp(i / 20.0)))];
                Assert.True(RdpAccountant.Epsilon(composed, delta, near).Value >= bound.Value - (1e-9 * bound.Value));
            }
        }
    }

    /// <summary>One step with much noise needs orders in the thousands; lists that end at 63 floor at about 0.10 here.</summary>
    [Fact]
    public void The_order_goes_beyond_1024_where_that_is_best()
    {
        var bound = RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.5, 1000), 1e-5);

        Assert.True(bound.Order > 1024);
        Assert.InRange(bound.Value, 8.3e-4, 1.1e-3);
    }

    [Fact]
    public void An_order_at_the_end_of_the_search_is_said()
    {
        Assert.True(RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.5, 1e6), 1e-12).AtEdge);
    }

    [Fact]
    public void Curves_add_order_by_order()
    {
        var mixed = new EventSequence(Training, new RepeatedEvent(new LaplaceEvent(15), 10), new RepeatedEvent(new GaussianEvent(6), 2));
        foreach (var order in new[] { 1.5, 4.0, 17.0 })
        {
            var sum = new RdpCurve(Training).At(order) + (10 * new RdpCurve(new LaplaceEvent(15)).At(order)) + (2 * new RdpCurve(new GaussianEvent(6)).At(order));
            GoldenValues.AssertClose(sum, new RdpCurve(mixed).At(order), 1e-14);
        }
    }

    [Fact]
    public void The_order_of_a_composition_changes_no_bit()
    {
        PrivacyEvent[] parts = [new GaussianEvent(3), Training, new LaplaceEvent(2), new ZcdpEvent(0.1), new SubsampledGaussianEvent(0.1, 2, 7)];
        var forward = RdpAccountant.Epsilon(new EventSequence(parts), 1e-6).Value;

        Assert.Equal(forward, RdpAccountant.Epsilon(new EventSequence(parts.Reverse()), 1e-6).Value);
        Assert.Equal(forward, RdpAccountant.Epsilon(new EventSequence(new EventSequence(parts[3..]), new EventSequence(parts[..3])), 1e-6).Value);
    }

    [Fact]
    public void Nothing_costs_nothing_and_something_unbounded_has_no_bound()
    {
        Assert.Equal(0, RdpAccountant.Epsilon(new EventSequence(), 1e-5).Value);
        Assert.Equal(0, RdpAccountant.Epsilon(new SubsampledGaussianEvent(0, 1, 100), 1e-5).Value);
        Assert.Equal(double.PositiveInfinity, RdpAccountant.Epsilon(new EventSequence(Training, new UnboundedEvent()), 1e-5).Value);
        Assert.Equal(1, RdpAccountant.Delta(new UnboundedEvent(), 3).Value);
    }

    /// <summary>1 − (1 − δ)/(1 − δ₁)^k of the target is left to the Rényi bound; when none is, there is no bound.</summary>
    [Fact]
    public void The_failures_of_events_with_a_delta_are_taken_from_the_target()
    {
        var failing = new RepeatedEvent(new EpsilonDeltaEvent(0.2, 1e-7), 50);
        var left = 1 - ((1 - 1e-5) / Math.Pow(1 - 1e-7, 50));

        var bound = RdpAccountant.Epsilon(failing, 1e-5);

        Assert.Equal(RdpAccountant.Epsilon(new RepeatedEvent(new EpsilonDeltaEvent(0.2, 0), 50), left).Value, bound.Value, 1e-9);
        Assert.Equal(double.PositiveInfinity, RdpAccountant.Epsilon(failing, 4e-6).Value);
        Assert.InRange(RdpAccountant.Delta(failing, bound.Value).Value, 0.999e-5, 1.001e-5);
    }

    [Theory, InlineData(0.0), InlineData(1.0), InlineData(double.NaN), InlineData(-1e-5)]
    public void A_delta_out_of_range_is_refused(double delta) => Assert.Contains(
        "above 0 and below 1", Assert.Throws<ArgumentOutOfRangeException>(() => RdpAccountant.Epsilon(Training, delta)).Message, StringComparison.Ordinal);

    [Theory, InlineData(1.0), InlineData(0.5), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void An_order_out_of_range_is_refused(double order) => Assert.Contains(
        "order above 1", Assert.Throws<ArgumentOutOfRangeException>(() => RdpAccountant.Epsilon(Training, 1e-5, [order])).Message, StringComparison.Ordinal);

    [Fact]
    public void Extreme_parameters_give_finite_growing_bounds()
    {
        foreach (var q in new[] { 1e-6, 0.01, 0.999 })
        {
            foreach (var z in new[] { 0.05, 0.3, 1, 1000.0 })
            {
                var previous = 0.0;
                foreach (var steps in new[] { 1L, 1000, 1_000_000 })
                {
                    foreach (var delta in new[] { 0.1, 1e-12 })
                    {
                        var epsilon = RdpAccountant.Epsilon(new SubsampledGaussianEvent(q, z, steps), delta).Value;
                        Assert.True(double.IsFinite(epsilon) && epsilon >= 0);
                    }

                    var atSmall = RdpAccountant.Epsilon(new SubsampledGaussianEvent(q, z, steps), 1e-12).Value;
                    Assert.True(atSmall >= previous);
                    previous = atSmall;
                }
            }
        }
    }

    /// <remarks>1/z² is beyond a double, and a moment that is lost on the way must not become no loss at all.</remarks>
    [Theory, InlineData(1e-155), InlineData(1e-160), InlineData(1e-300), InlineData(1e-320)]
    public void Next_to_no_noise_has_no_bound_however_it_is_sampled(double z)
    {
        PrivacyEvent[] events =
        [
            new GaussianEvent(z), new SubsampledGaussianEvent(0.5, z), new SubsampledGaussianEvent(1e-9, z, 1000), new FixedSizeGaussianEvent(100, 10, z),
            new TruncatedSubsampledGaussianEvent(100, 0.1, 10, z), new LaplaceEvent(z), new DiscreteGaussianEvent(z), new TreeGaussianEvent(z, 4),
        ];
        foreach (var composed in events)
        {
            Assert.InRange(RdpAccountant.Epsilon(composed, 1e-5).Value, 1e150, double.PositiveInfinity);
            Assert.InRange(RdpAccountant.Epsilon(composed, 1e-5, [1.5, 2, 7.3]).Value, 1e150, double.PositiveInfinity);
            Assert.Equal(1, RdpAccountant.Delta(composed, 1).Value);
            Assert.True(new BudgetSpec(1000, 1e-5, 4).Charge(composed).IsUnbounded);
        }
    }
}
