using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Data.Tests;

public class DirichletDrawTests
{
    private const int Draws = 40_000;

    // A gamma variate of shape a and scale 1 has mean a, variance a and fourth central moment 3a² + 6a, so that the mean of n draws is off by at
    // most 5 √(a/n), and the variance by at most 5 √((2a² + 6a)/n), in all but one of a million seeds.
    [Theory, InlineData(0.1), InlineData(0.5), InlineData(1), InlineData(3.7), InlineData(200)]
    public void Gamma_variates_have_the_mean_and_variance_of_their_shape(double shape)
    {
        var random = SeededRandom.Derive(1, "gamma", shape);
        var draws = Enumerable.Range(0, Draws).Select(_ => Math.Exp(DirichletDraw.LogGamma(shape, random))).ToArray();
        var mean = draws.Average();
        var variance = draws.Average(x => (x - mean) * (x - mean));

        Assert.Equal(shape, mean, 5 * Math.Sqrt(shape / Draws));
        Assert.Equal(shape, variance, 5 * Math.Sqrt(((2 * shape * shape) + (6 * shape)) / Draws));
    }

    // E[q_k] = a_k / A and Var[q_k] = a_k (A − a_k) / (A² (A + 1)) with A = Σ a_k.
    [Fact]
    public void Shares_have_the_mean_and_variance_of_a_dirichlet_distribution()
    {
        double[] concentration = [0.2, 0.5, 1.3];
        var random = SeededRandom.Derive(1, "dirichlet");
        double[] sum = new double[3], squares = new double[3], shares = new double[3];
        for (var i = 0; i < Draws; i++)
        {
            DirichletDraw.Shares(concentration, random, shares);
            for (var k = 0; k < 3; k++)
            {
                sum[k] += shares[k];
                squares[k] += shares[k] * shares[k];
            }
        }

        for (var k = 0; k < 3; k++)
        {
            var mean = concentration[k] / 2;
            var variance = concentration[k] * (2 - concentration[k]) / (4 * 3);
            Assert.Equal(mean, sum[k] / Draws, 5 * Math.Sqrt(variance / Draws));

            // A share in [0, 1] has a fourth central moment of at most 1/12, so 5 standard errors of the variance are below 5 √(1/12/n).
            Assert.Equal(variance, (squares[k] / Draws) - (mean * mean), 5 * Math.Sqrt(1 / 12.0 / Draws));
        }
    }

    [Fact]
    public void Tiny_concentrations_still_give_shares_that_sum_to_one()
    {
        var random = SeededRandom.Derive(1, "tiny");
        var shares = new double[5];
        for (var i = 0; i < 1000; i++)
        {
            DirichletDraw.Shares([1e-10, 1e-10, 1e-10, 1e-10, 1e-10], random, shares);
            Assert.Equal(1, shares.Sum(), 1e-12);
        }
    }

    [Theory, InlineData(0.0), InlineData(-1.0), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_shape_that_is_not_positive_and_finite_is_refused(double shape) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => DirichletDraw.LogGamma(shape, SeededRandom.Derive(1, "x")));
}
