using FlEvents.DifferentialPrivacy.Accounting;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting;

public sealed class AnalyticGaussianTests
{
    /// <remarks>An exponent of hundreds is a difference of squares, so 10⁻¹² of δ is what doubles give.</remarks>
    [Fact]
    public void Deltas_agree_with_40_digit_values()
    {
        foreach (var row in GoldenValues.Rows("gaussianDelta").Concat(GoldenValues.Rows("farGaussianDelta")))
        {
            GoldenValues.AssertClose(row[2], AnalyticGaussian.Delta(row[0], row[1]), 1e-12);
        }
    }

    [Fact]
    public void Epsilons_are_those_of_80_digits_or_above_by_next_to_nothing()
    {
        foreach (var row in GoldenValues.Rows("gaussianEpsilon"))
        {
            Assert.InRange(AnalyticGaussian.Epsilon(row[0], row[1]), row[2] * (1 - 2.3e-16), row[2] * (1 + 1e-9));
        }
    }

    /// <summary>At ε = 0 δ is 2Φ(1/2z) − 1, about 1/z√(2π).</summary>
    [Fact]
    public void Noise_is_found_wherever_it_is_and_infinite_where_no_noise_is_enough()
    {
        GoldenValues.AssertClose(1e10 / Math.Sqrt(2 * Math.PI), AnalyticGaussian.NoiseMultiplier(0, 1e-10), 1e-9);
        GoldenValues.AssertClose(1 / Math.Sqrt(2e9), AnalyticGaussian.NoiseMultiplier(1e9, 0.5), 1e-4);
        Assert.Equal(double.PositiveInfinity, AnalyticGaussian.NoiseMultiplier(0, 1e-200));
        Assert.Equal(double.PositiveInfinity, AnalyticGaussian.Epsilon(1e-300, 1e-5));
    }

    /// <summary>By 40-digit bisection with mpmath (vectors pub-19 to pub-22).</summary>
    [Theory, InlineData(0.3, 1e-5, 11.2380444645), InlineData(3.0, 1e-7, 1.68585974861), InlineData(8.0, 1e-6, 0.652935384358)]
    public void The_noise_multiplier_is_the_smallest_that_holds(double epsilon, double delta, double expected)
    {
        var z = AnalyticGaussian.NoiseMultiplier(epsilon, delta);

        Assert.Equal(expected, z, 1e-10);
        Assert.True(AnalyticGaussian.Delta(z, epsilon) <= delta);
        Assert.True(AnalyticGaussian.Delta(z * (1 - 1e-9), epsilon) > delta);
    }

    [Theory, InlineData(1.5, 1e-7, 3.40978676412), InlineData(1e6, 0.1, 0.0)]
    public void Epsilon_is_the_smallest_that_holds(double z, double delta, double expected) => Assert.Equal(expected, AnalyticGaussian.Epsilon(z, delta), 1e-9);

    /// <summary>The formula is proved for ε ≤ 1: there it gives 0.751 for 1. At ε = 10, δ = 10⁻⁵ its σ = 0.4845 really gives 10.39.</summary>
    [Fact]
    public void The_classic_formula_falls_short_of_a_large_epsilon()
    {
        Assert.Equal(0.4845, AnalyticGaussian.ClassicNoiseMultiplier(10, 1e-5), 1e-4);
        Assert.Equal(10.39, AnalyticGaussian.Epsilon(AnalyticGaussian.ClassicNoiseMultiplier(10, 1e-5), 1e-5), 0.01);
        Assert.Equal(0.751, AnalyticGaussian.Epsilon(AnalyticGaussian.ClassicNoiseMultiplier(1, 1e-5), 1e-5), 1e-3);
    }

    /// <summary>σ = Δ/(ε + √(2 ln(1/δ))), found in tutorials: at ε = 1, δ = 10⁻⁵ it really gives 40.8.</summary>
    [Fact]
    public void The_mistake_of_the_tutorials_gives_forty_times_the_epsilon() =>
        Assert.Equal(40.8, AnalyticGaussian.Epsilon(1 / (1 + Math.Sqrt(2 * Math.Log(1e5))), 1e-5), 0.1);

    [Theory, InlineData(double.NaN), InlineData(0.0), InlineData(double.PositiveInfinity)]
    public void A_noise_multiplier_out_of_range_is_refused(double z) => Assert.Throws<ArgumentOutOfRangeException>(() => AnalyticGaussian.Epsilon(z, 1e-5));
}
