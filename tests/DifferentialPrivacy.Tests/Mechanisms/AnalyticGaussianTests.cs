using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class AnalyticGaussianTests
{
    // By mpmath 1.2.1 with 60 digits: ncdf(1/(2z) - e z) - exp(e) ncdf(-1/(2z) - e z).
    [Theory]
    [InlineData(0, 1, 0.38292492254802621)]
    [InlineData(1, 1, 0.12693673750664395)]
    [InlineData(1, 3.73, 1.0028149557727746e-5)]
    [InlineData(0.1, 10, 0.0087517681458095931)]
    [InlineData(8, 0.5, 0.00049540173893874536)]
    [InlineData(10, 0.4845, 2.263068285500029e-5)]
    [InlineData(3, 0.02, 1.0)]
    [InlineData(1, 9, 2.2403072772181026e-21)]
    [InlineData(5, 3, 9.7169594576859393e-52)]
    [InlineData(0, 50, 0.0079787126292632074)]
    public void Delta_is_that_of_60_digits(double epsilon, double noiseMultiplier, double expected) =>
        Assert.Equal(expected, AnalyticGaussian.Delta(epsilon, noiseMultiplier), 1e-10 * expected);

    // By mpmath's findroot on the same expression.
    [Theory]
    [InlineData(1, 1e-5, 3.7306316348159418)]
    [InlineData(0.1, 1e-6, 36.304690426195783)]
    [InlineData(3, 1e-5, 1.3905934566745367)]
    [InlineData(8, 1e-5, 0.60022907219895156)]
    [InlineData(10, 1e-5, 0.49988861970900851)]
    [InlineData(0.5, 1e-9, 10.673896815080026)]
    [InlineData(0, 0.01, 39.893183581616519)]
    [InlineData(20, 0.3, 0.16750274786031336)]
    public void The_noise_multiplier_is_the_smallest_that_gives_delta(double epsilon, double delta, double expected)
    {
        var z = AnalyticGaussian.NoiseMultiplier(epsilon, delta);
        Assert.InRange(z, expected, expected * (1 + 3e-9));
        Assert.True(AnalyticGaussian.Delta(epsilon, z) <= delta);
        Assert.True(AnalyticGaussian.Delta(epsilon, z * (1 - 1e-8)) > delta);
    }

    [Fact]
    public void The_textbook_formula_is_false_at_epsilon_10()
    {
        // √(2 ln(1.25/δ))/ε, proved for ε ≤ 1.
        var textbook = Math.Sqrt(2 * Math.Log(1.25e5)) / 10;
        Assert.True(AnalyticGaussian.Delta(10, textbook) > 1e-5);
        Assert.True(AnalyticGaussian.NoiseMultiplier(10, 1e-5) > textbook);
    }

    [Fact]
    public void Delta_falls_with_noise_and_with_epsilon_and_reaches_its_ends()
    {
        for (var z = 0.05; z < 200; z *= 1.7)
        {
            for (var epsilon = 0.0; epsilon < 20; epsilon += 0.7)
            {
                var delta = AnalyticGaussian.Delta(epsilon, z);
                Assert.InRange(delta, 0, 1);
                Assert.True(AnalyticGaussian.Delta(epsilon, z * 1.7) <= delta);
                Assert.True(AnalyticGaussian.Delta(epsilon + 0.7, z) <= delta);
            }
        }

        Assert.Equal(1, AnalyticGaussian.Delta(1, 1e-3), 1e-12);
        Assert.Equal(0, AnalyticGaussian.Delta(700, 1e3));
    }

    [Fact]
    public void Values_that_say_nothing_are_refused()
    {
        void Refused(string text, Action work) => Assert.Contains(text, Assert.Throws<ArgumentOutOfRangeException>(work).Message, StringComparison.Ordinal);
        foreach (var bad in new[] { -1, double.NaN, double.PositiveInfinity })
        {
            Refused("ε is", () => AnalyticGaussian.Delta(bad, 1));
            Refused("The noise multiplier is", () => AnalyticGaussian.Delta(1, bad));
            Refused("δ is", () => AnalyticGaussian.NoiseMultiplier(1, bad));
        }

        Refused("δ is 0", () => AnalyticGaussian.NoiseMultiplier(1, 0));
        Refused("δ is 1", () => AnalyticGaussian.NoiseMultiplier(1, 1));
    }
}
