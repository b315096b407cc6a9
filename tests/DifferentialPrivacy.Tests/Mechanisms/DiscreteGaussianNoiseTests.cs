using System.Buffers.Binary;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Testing.Noise;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class DiscreteGaussianNoiseTests
{
    private static readonly CryptographicNoise Noise = new();

    [Theory, InlineData(0), InlineData(1), InlineData(3), InlineData(8), InlineData(20), InlineData(30)]
    public void Draws_are_those_of_the_published_algorithms_in_rationals_on_the_same_random_bits(int log2Sigma)
    {
        var values = new long[5_000];
        new SeededNoise(7).DiscreteGaussian(values, log2Sigma);
        var reference = new ReferenceDiscreteGaussian(new SeededNoise(7).Fill);
        Assert.All(values, value => Assert.Equal(reference.Draw(log2Sigma), value));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void Each_integer_comes_as_often_as_its_probability_says(int log2Sigma)
    {
        var values = new long[1 << 20];
        Noise.DiscreteGaussian(values, log2Sigma);
        var sigma = (double)(1 << log2Sigma);
        var weights = Enumerable.Range(-60, 121).ToDictionary(x => (long)x, x => Math.Exp(-x * x / (2 * sigma * sigma)));
        var total = weights.Values.Sum();
        var counts = values.CountBy(value => value).ToDictionary();
        Assert.All(
            weights.Where(weight => weight.Value / total > 1e-7),
            weight => Statistics.AssertCount(counts.GetValueOrDefault(weight.Key), values.Length, weight.Value / total));
    }

    [Fact]
    public void On_the_grid_of_the_central_release_draws_follow_the_normal_distribution()
    {
        var values = new long[1 << 19];
        Noise.DiscreteGaussian(values, 20);
        var scaled = Array.ConvertAll(values, value => Math.ScaleB(value, -20));
        Statistics.AssertMean(scaled, 0, 1);
        Statistics.AssertMean(scaled.Select(x => x * x), 1, 2);
        Statistics.AssertMean(scaled.Select(x => x * x * x * x), 3, 96);
        Statistics.AssertMean(scaled.Skip(1).Zip(scaled, (x, y) => x * y), 0, 1);
        Statistics.AssertCount(scaled.LongCount(x => Math.Abs(x) > 4), scaled.Length, 6.334248366623984e-5);
        Statistics.AssertDistribution(scaled, Statistics.NormalCdf, slack: 1e-6);
    }

    [Fact]
    public void A_comparison_that_the_first_32_bits_leave_open_takes_the_next()
    {
        // k = 0: the sign; then e^(−1): U·2 < 1 for 0, and U·3 < 1 for 1431655765 of 2³², whose triple is 2³² − 1: undecided.
        const uint Open = 1431655765;
        const uint Largest = uint.MaxValue;

        // Below: U·4 < 1 fails, so four draws, an even number: no whole. Then the distance 1 is accepted with e^(−½), at once.
        Assert.Equal(0, Drawn(0, 0, Open, 0, Largest, Largest));

        // Not below: three draws, an odd number: one whole. The next e^(−1) ends at its second draw. The distance 0 is accepted.
        Assert.Equal(1, Drawn(0, 0, Open, Largest, 0, 0, Largest, Largest));

        static long Drawn(params uint[] words)
        {
            var value = new long[1];
            DiscreteGaussianNoise.Fill(value, 0, bytes =>
            {
                bytes.Fill(0xFF);
                for (var i = 0; i < words.Length; i++)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes[(4 * i)..], words[i]);
                }
            });
            return value[0];
        }
    }

    [Theory, InlineData(-1), InlineData(31)]
    public void A_deviation_off_the_range_is_refused(int log2Sigma)
    {
        var message = Assert.Throws<ArgumentOutOfRangeException>(() => Noise.DiscreteGaussian(new long[1], log2Sigma)).Message;
        Assert.Contains($"The logarithm of σ is {log2Sigma}; expected 0 to 30.", message, StringComparison.Ordinal);
    }
}
