using System.Buffers.Binary;
using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class PoissonSamplingTests
{
    private static readonly CryptographicNoise Noise = new();

    [Theory, InlineData(0.001), InlineData(0.3), InlineData(0.999)]
    public void Each_example_is_chosen_with_the_probability_and_sizes_vary_as_a_binomial(double rate)
    {
        const int Count = 400;
        const int Batches = 5_000;
        var chosen = new int[Count];
        var counts = new long[Count];
        var sizes = new List<double>();
        for (var i = 0; i < Batches; i++)
        {
            var size = Noise.PoissonSample(Count, rate, chosen);
            sizes.Add(size);
            foreach (var example in chosen.AsSpan(0, size))
            {
                counts[example]++;
            }
        }

        Assert.All(counts, count => Statistics.AssertCount(count, Batches, rate));
        Statistics.AssertCount(counts.Sum(), (long)Count * Batches, rate);

        // The fourth central moment of a binomial is v(1 + 3v(1 − 2/n)) − 6v·pq with variance v = npq; fixed sizes, or shuffled batches, have no variance.
        var variance = Count * rate * (1 - rate);
        var fourth = variance * (1 + (3 * variance) - (6 * variance / Count));
        Statistics.AssertMean(sizes.Select(size => (size - (Count * rate)) * (size - (Count * rate))), variance, fourth - (variance * variance));
    }

    [Fact]
    public void Those_chosen_ascend_and_are_no_more_than_there_are()
    {
        var chosen = new int[5_000];
        var size = Noise.PoissonSample(5_000, 0.5, chosen);
        Assert.Equal(chosen.Take(size).Distinct().Order(), chosen.Take(size));
        Assert.InRange(chosen[0], 0, 200);
        Assert.InRange(chosen[size - 1], 4_800, 4_999);
    }

    [Fact]
    public void A_rate_of_1_chooses_all_and_no_examples_give_an_empty_batch()
    {
        var chosen = new int[3];
        Assert.Equal(3, Noise.PoissonSample(3, 1, chosen));
        Assert.Equal([0, 1, 2], chosen);
        Assert.Equal(0, Noise.PoissonSample(0, 0.5, chosen));
        Assert.Equal(0, Noise.PoissonSample(3, double.Epsilon, chosen));
    }

    [Fact]
    public void The_comparison_is_exact_to_64_bits()
    {
        // q·2⁶⁴ = 2⁵⁵ + 8: a first word of 2²³ decides nothing, and the second must be below 8.
        var rate = Math.ScaleB(1, -9) + Math.ScaleB(1, -61);
        Assert.Equal(1, Chosen(1u << 23, 7));
        Assert.Equal(0, Chosen(1u << 23, 8));
        Assert.Equal(1, Chosen((1u << 23) - 1));
        Assert.Equal(0, Chosen((1u << 23) + 1));

        int Chosen(params uint[] words) => PoissonSampling.Draw(1, rate, new int[1], bytes =>
        {
            for (var i = 0; i < bytes.Length; i += 4)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(bytes[i..], words[i / 4 % words.Length]);
            }
        });
    }

    [Theory, InlineData(0), InlineData(-0.1), InlineData(1.1), InlineData(double.NaN)]
    public void A_rate_that_is_no_probability_is_refused(double rate)
    {
        var message = Assert.Throws<ArgumentOutOfRangeException>(() => Noise.PoissonSample(1, rate, new int[1])).Message;
        Assert.Contains("expected a number in (0, 1]", message, StringComparison.Ordinal);
        Assert.Contains("Room for 1", Assert.Throws<ArgumentException>(() => Noise.PoissonSample(2, 0.5, new int[1])).Message, StringComparison.Ordinal);
    }
}
