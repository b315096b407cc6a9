using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting;

public sealed class CompositionTests
{
    private static readonly RepeatedEvent Thirty = new(new EpsilonDeltaEvent(0.2, 1e-9), 30);

    [Fact]
    public void Basic_composition_adds()
    {
        var total = CompositionTheorems.Basic(new EventSequence(Thirty, new LaplaceEvent(4), new DiscreteLaplaceEvent(0.1, 3)));

        Assert.Equal(6 + 0.25 + 0.3, total.Epsilon, 1e-12);
        Assert.Equal(30e-9, total.Delta, 1e-20);
    }

    /// <summary>By hand: ε√(2k ln(1/δ′)) + kε(e^ε − 1) with δ′ = δ − kδ₀.</summary>
    [Fact]
    public void Advanced_composition_is_as_by_hand()
    {
        var slack = 1e-5 - 30e-9;
        var expected = (0.2 * Math.Sqrt(60 * Math.Log(1 / slack))) + (6 * (Math.Exp(0.2) - 1));

        Assert.Equal(expected, CompositionTheorems.AdvancedEpsilon(Thirty, 1e-5), 1e-12);
        Assert.Equal(double.PositiveInfinity, CompositionTheorems.AdvancedEpsilon(Thirty, 2e-8));
    }

    /// <summary>dp_accounting 0.6.0, from_privacy_parameters(…).self_compose(30): 4.56563789272 on a grid of 1e-4 (vector pub-28).</summary>
    [Fact]
    public void Optimal_composition_is_below_the_others_and_within_the_bracket()
    {
        var optimal = CompositionTheorems.OptimalEpsilon(0.2, 1e-9, 30, 1e-5);
        var bracket = PldAccountant.Epsilon(Thirty, 1e-5);

        Assert.Equal(4.56563789272, optimal, 1e-7);
        Assert.InRange(optimal, bracket.Lower, bracket.Upper);
        Assert.True(optimal < CompositionTheorems.Basic(Thirty).Epsilon && optimal < CompositionTheorems.AdvancedEpsilon(Thirty, 1e-5));
        Assert.Equal(double.PositiveInfinity, CompositionTheorems.OptimalEpsilon(0.2, 1e-6, 30, 1e-5));
    }

    /// <summary>Of 200,000 mechanisms; δ of ε = 2 is an exact sum.</summary>
    [Fact]
    public void Optimal_composition_of_very_many_is_from_above()
    {
        var row = GoldenValues.Rows("responseDelta")[^1];

        Assert.InRange(CompositionTheorems.OptimalEpsilon(row[0], row[1], (long)row[2], row[4]), row[3], row[3] * (1 + 1e-9));
    }

    [Fact]
    public void An_event_without_an_epsilon_of_its_own_is_refused() => Assert.Contains(
        "\"gaussian\"", Assert.Throws<ArgumentException>(() => CompositionTheorems.Basic(new GaussianEvent(1))).Message, StringComparison.Ordinal);

    /// <summary>IBM discrete-gaussian cdp_eps: 3.18897115888; classic 3.643070212 (vector pub-27).</summary>
    [Fact]
    public void Zcdp_converts_classically_and_by_the_optimum_over_orders()
    {
        Assert.Equal(3.18897115888, ZcdpAccountant.Epsilon(new ZcdpEvent(0.25), 1e-5).Value, 1e-9);
        Assert.Equal(3.643070212, ZcdpAccountant.ClassicEpsilon(new ZcdpEvent(0.25), 1e-5), 1e-8);
        Assert.Equal(1e-5, ZcdpAccountant.Delta(new ZcdpEvent(0.25), 3.18897115888).Value, 1e-14);
    }

    [Fact]
    public void Rho_adds_up_and_sampling_is_charged_as_all_data()
    {
        var total = ZcdpAccountant.Total(new EventSequence(
            new GaussianEvent(2),
            new SubsampledGaussianEvent(0.01, 2, 3),
            new LaplaceEvent(5),
            new DiscreteGaussianEvent(4, 2),
            new TreeGaussianEvent(2, 3, 2),
            new ZcdpEvent(0.5, 0.25)));

        Assert.Equal((4 / 8.0) + (1 / 50.0) + (1 / 8.0) + (4 / 8.0) + 0.5, total!.Rho, 1e-14);
        Assert.Equal(0.25, total.Xi);
        Assert.Null(ZcdpAccountant.Total(new EpsilonDeltaEvent(0.1, 1e-9)));
        Assert.Null(ZcdpAccountant.Total(new EventSequence(new GaussianEvent(2), new UnboundedEvent())));
    }
}
