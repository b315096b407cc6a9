using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Budgets;

public class PrivacyMeasureTests
{
    [Fact]
    public void A_gaussian_costs_alpha_over_2z_squared_or_1_over_2z_squared_rounded_up()
    {
        Assert.InRange(PrivacyMeasure.Renyi(8).Charge(new GaussianEvent(2)).Units, 1_000_000_000, 1_000_000_002);
        Assert.Equal(125_000_001, PrivacyMeasure.Zcdp.Charge(new GaussianEvent(2)).Units);
    }

    [Fact]
    public void In_rho_sampling_counts_as_everything_and_steps_add_up()
    {
        var steps = PrivacyMeasure.Zcdp.Charge(new SubsampledGaussianEvent(0.001, 2, 40));

        Assert.Equal(PrivacyMeasure.Zcdp.Charge(new RepeatedEvent(new GaussianEvent(2), 40)), steps);
        Assert.InRange(steps.Units, 5_000_000_000, 5_000_000_006);
    }

    [Fact]
    public void What_has_no_bound_is_unbounded_in_every_measure() => Assert.All(
        new[] { PrivacyMeasure.Renyi(4), PrivacyMeasure.Zcdp },
        measure => Assert.All(
            new PrivacyEvent[] { new UnboundedEvent(), new EpsilonDeltaEvent(0.01, 1e-12), new EventSequence(new GaussianEvent(9), new UnboundedEvent()) },
            what => Assert.True(measure.Charge(what).IsUnbounded)));

    // ε of ρ at δ = 10⁻⁵ minimised over α on a fine grid, apart from this program; below Bun and Steinke's ρ + 2√(ρ·ln(1/δ)), 2.5243 and 5.2985.
    [Theory, InlineData(125_000_000, 2.1657155), InlineData(500_000_000, 4.7283870)]
    public void Rho_shows_the_epsilon_of_the_best_order(long units, double epsilon) => Assert.Equal(epsilon, PrivacyMeasure.Zcdp.Epsilon(units, 1e-5), 1e-6);

    [Fact]
    public void An_order_shows_the_epsilon_of_itself_alone()
    {
        Assert.Equal(1 + Math.Log(7.0 / 8) - (Math.Log(8e-5) / 7), PrivacyMeasure.Renyi(8).Epsilon(1_000_000_000, 1e-5), 1e-9);
        Assert.All(new[] { PrivacyMeasure.Renyi(8), PrivacyMeasure.Zcdp }, measure => Assert.Equal(0, measure.Epsilon(0, 1e-5)));
    }

    [Fact]
    public void A_measure_comes_back_from_its_word_and_order()
    {
        Assert.All(new[] { PrivacyMeasure.Renyi(2.5), PrivacyMeasure.Zcdp }, measure => Assert.Equal(measure, PrivacyMeasure.Of(measure.Word, measure.Order)));
        Assert.Null(PrivacyMeasure.Of(null, null));
        foreach (var (word, order) in new (string?, double?)[] { ("zcdp", 2), ("gdp", null), ("", null), (null, 1), (null, double.NaN), (null, double.PositiveInfinity) })
        {
            Assert.Contains($"\"{word}\"", Assert.Throws<FormatException>(() => PrivacyMeasure.Of(word, order)).Message, StringComparison.Ordinal);
        }
    }
}
