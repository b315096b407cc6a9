using System.Text.Json;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.DifferentialPrivacy.Tests.Plans;

public class BudgetTermsTests
{
    [Theory]
    [InlineData(8.0, 1e-5, null, null)]
    [InlineData(8.0, 1e-5, 6.5, null)]
    [InlineData(null, null, null, 0.5)]
    [InlineData(null, 1e-6, null, 0.5)]
    public void Either_kind_is_a_budget(double? epsilon, double? delta, double? alpha, double? rho) => Assert.Null(Terms(epsilon, delta, alpha, rho).Defect);

    [Theory]
    [InlineData(null, null, null, null, "there is no epsilon and no rho: give epsilon and delta, or rho.")]
    [InlineData(null, 1e-5, 8.0, null, "there is no epsilon and no rho: give epsilon and delta, or rho.")]
    [InlineData(8.0, 1e-5, null, 0.5, "epsilon is 8 and rho is 0.5: give epsilon and delta, or rho.")]
    [InlineData(0.0, 1e-5, null, null, "epsilon is 0: it must be finite and above 0.")]
    [InlineData(double.NaN, 1e-5, null, null, "epsilon is NaN: it must be finite and above 0.")]
    [InlineData(8.0, null, null, null, "epsilon is 8 without a delta: it must have one in (0, 1).")]
    [InlineData(8.0, 1.0, null, null, "delta is 1: it must be in (0, 1).")]
    [InlineData(8.0, 1e-5, 1.0, null, "alpha is 1: it must be finite and above 1.")]
    [InlineData(8.0, 1e-5, double.PositiveInfinity, null, "alpha is Infinity: it must be finite and above 1.")]
    [InlineData(null, null, null, -1.0, "rho is -1: it must be finite and above 0.")]
    [InlineData(null, null, null, double.PositiveInfinity, "rho is Infinity: it must be finite and above 0.")]
    [InlineData(null, 0.0, null, 0.5, "delta is 0: it must be in (0, 1).")]
    [InlineData(null, null, 8.0, 0.5, "alpha is 8 and rho is 0.5: an order belongs to epsilon and delta.")]
    public void Anything_else_is_one_defect_with_its_value(double? epsilon, double? delta, double? alpha, double? rho, string defect) =>
        Assert.Equal(defect, Terms(epsilon, delta, alpha, rho).Defect);

    [Fact]
    public void Terms_are_counted_in_measures_of_their_own_kind_alone()
    {
        var (epsilon, rho) = (Terms(8, 1e-5, null, null), Terms(null, null, null, 0.5));

        Assert.Equal(new BudgetSpec(8, 1e-5, 7), epsilon.In(PrivacyMeasure.Renyi(7)));
        Assert.Equal(new RhoBudgetSpec(0.5), rho.In(PrivacyMeasure.Zcdp));
        Assert.Equal((true, false, false, true), (epsilon.IsIn(PrivacyMeasure.Renyi(7)), epsilon.IsIn(PrivacyMeasure.Zcdp), rho.IsIn(PrivacyMeasure.Renyi(7)), rho.IsIn(PrivacyMeasure.Zcdp)));
        Assert.Throws<ArgumentException>(() => epsilon.In(PrivacyMeasure.Zcdp));
        Assert.Throws<ArgumentException>(() => rho.In(PrivacyMeasure.Renyi(7)));
        Assert.Equal((null, PrivacyMeasure.Renyi(6.5), PrivacyMeasure.Zcdp), (epsilon.Measure, Terms(8, 1e-5, 6.5, null).Measure, rho.Measure));
    }

    // ρα + ln(1 − 1/α) − ln(δα)/(α − 1), minimised over α on a fine grid apart from this program.
    [Theory, InlineData(0.3, 1e-6, 3.9200575), InlineData(0.5, null, 4.7283870)]
    public void A_budget_of_rho_shows_the_epsilon_that_it_comes_to(double rho, double? delta, double epsilon)
    {
        Assert.Equal(epsilon, Terms(null, delta, null, rho).ShownEpsilon, 1e-6);
        Assert.Equal(delta ?? 1e-5, Terms(null, delta, null, rho).ShownDelta);
    }

    [Fact]
    public void The_text_of_a_budget_of_epsilon_has_the_members_it_always_had()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

        Assert.Equal("""{"epsilon":8,"delta":1E-05,"alpha":6.5}""", JsonSerializer.Serialize(Terms(8, 1e-5, 6.5, null), json));
        Assert.Equal("""{"delta":1E-06,"rho":0.5}""", JsonSerializer.Serialize(Terms(null, 1e-6, null, 0.5), json));
    }

    private static BudgetTerms Terms(double? epsilon, double? delta, double? alpha, double? rho) => new() { Epsilon = epsilon, Delta = delta, Alpha = alpha, Rho = rho };
}
