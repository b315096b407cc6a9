using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Testing.Noise;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class GaussianNoiseTests
{
    private static readonly CryptographicNoise Noise = new();

    [Fact]
    public void Moments_are_those_of_the_normal_distribution()
    {
        var values = Draw(1 << 22, 3);
        Statistics.AssertMean(values, 0, 9);
        Statistics.AssertMean(values.Select(x => x * x), 9, 2 * 81);

        // E x⁴ = 3σ⁴, and the variance of x⁴ is (105 − 9)σ⁸.
        Statistics.AssertMean(values.Select(x => x * x * x * x), 3 * 81, 96 * 6561);
    }

    [Fact]
    public void Values_follow_the_normal_distribution_function() => Statistics.AssertDistribution(Draw(1 << 20, 0.5), x => Statistics.NormalCdf(x / 0.5));

    [Fact]
    public void Tails_have_their_weight_beyond_three_four_and_five_deviations()
    {
        const int Blocks = 64;
        var counts = new long[3];
        var block = new double[1 << 20];
        for (var i = 0; i < Blocks; i++)
        {
            Noise.Gaussian(block, 2);
            foreach (var value in block)
            {
                var magnitude = Math.Abs(value) / 2;
                if (magnitude > 3)
                {
                    counts[0]++;
                    counts[1] += magnitude > 4 ? 1 : 0;
                    counts[2] += magnitude > 5 ? 1 : 0;
                }
            }
        }

        // 2Φ(−3), 2Φ(−4), 2Φ(−5).
        var trials = (long)Blocks * block.Length;
        Statistics.AssertCount(counts[0], trials, 2.699796063260189e-3);
        Statistics.AssertCount(counts[1], trials, 6.334248366623984e-5);
        Statistics.AssertCount(counts[2], trials, 5.733031437583878e-7);
    }

    [Fact]
    public void Neighbours_and_the_two_values_of_a_pair_are_uncorrelated()
    {
        var values = Draw(1 << 20, 1);
        foreach (var distance in new[] { 1, 2, 8, 2048, 4096 })
        {
            Statistics.AssertMean(values.Skip(distance).Zip(values, (x, y) => x * y), 0, 1);

            // Box and Muller's pair shares its radius: squares would be correlated if it were used wrongly.
            Statistics.AssertMean(values.Skip(distance).Zip(values, (x, y) => ((x * x) - 1) * ((y * y) - 1)), 0, 4);
        }
    }

    [Fact]
    public void The_smallest_uniform_gives_a_draw_of_nine_and_a_half_deviations_and_none_is_infinite()
    {
        var values = new double[16];
        GaussianNoise.Fill(values, 1, bytes => bytes.Clear());
        Assert.Equal(Math.Sqrt(-2 * Math.Log(Math.ScaleB(1, -65))), values[0], 1e-12);
        Assert.Equal(0, values[8]);
        GaussianNoise.Fill(values, 1, bytes => bytes.Fill(0xFF));
        Assert.All(values, value => Assert.True(Math.Abs(value) < 1e-6));
    }

    [Fact]
    public void Every_value_of_every_length_is_drawn_and_none_beyond()
    {
        for (var length = 0; length < 70; length++)
        {
            var values = new double[length + 1];
            values.AsSpan().Fill(double.NaN);
            new SeededNoise(1).Gaussian(values.AsSpan(0, length), 1);
            Assert.Equal(length, values.Count(double.IsFinite));
            Assert.Equal(length, values.Take(length).Distinct().Count());
        }
    }

    [Fact]
    public void Blocks_do_not_repeat()
    {
        var values = Draw(5 * 4096, 1);
        Assert.Equal(values.Length, values.Distinct().Count());
        Assert.NotEqual(Draw(100, 1), Draw(100, 1));
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_deviation_that_is_none_is_refused(double sigma)
    {
        var message = Assert.Throws<ArgumentOutOfRangeException>(() => Noise.Gaussian(new double[1], sigma)).Message;
        Assert.Contains("The standard deviation is", message, StringComparison.Ordinal);
    }

    private static double[] Draw(int count, double sigma)
    {
        var values = new double[count];
        Noise.Gaussian(values, sigma);
        return values;
    }
}
