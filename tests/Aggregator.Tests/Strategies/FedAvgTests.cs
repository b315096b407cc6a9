using System.Runtime.InteropServices;
using FlEvents.Aggregator.Strategies;
using FlEvents.Learning.Randomness;

namespace FlEvents.Aggregator.Tests.Strategies;

public class FedAvgTests
{
    // Longer than two slices of 131,072, and no multiple of eight.
    private const int Long = 300_003;

    [Fact]
    public void The_mean_of_a_hand_computed_case()
    {
        // w = (1, −2, 0.5); Δ₁ = (4, 0, 1) with n₁ = 1, Δ₂ = (0, 4, −1) with n₂ = 3: w + (4·1 + 0·3, 0·1 + 4·3, 1·1 − 1·3) / 4.
        Assert.Equal([2f, 1f, 0f], Combine([1f, -2f, 0.5f], (1, [4f, 0f, 1f]), (3, [0f, 4f, -1f])));
    }

    [Fact]
    public void One_client_moves_the_model_by_its_whole_update() => Assert.Equal([1.5f, -1.25f], Combine([1f, -2f], (37, [0.5f, 0.75f])));

    [Fact]
    public void Equal_weights_give_the_plain_mean_whatever_they_are()
    {
        (int, float[])[] ones = [(1, Messages.Values("a", 50)), (1, Messages.Values("b", 50)), (1, Messages.Values("c", 50))];
        var sevens = ones.Select(update => (7, update.Item2)).ToArray();
        Assert.Equal(Combine(new float[50], ones), Combine(new float[50], sevens));
    }

    [Fact]
    public void A_client_counts_as_often_as_it_has_examples()
    {
        float[] a = [1f, -3f, 2f], b = [5f, 1f, 0f];
        Assert.Equal(Combine([0f, 0f, 0f], (1, a), (1, a), (1, a), (1, b)), Combine([0f, 0f, 0f], (3, a), (1, b)));
    }

    [Theory, InlineData(1), InlineData(7), InlineData(8), InlineData(9), InlineData(1000)]
    public void It_is_the_naive_sum_in_double_bit_for_bit(int length)
    {
        var weights = Messages.Values("w", length);
        var updates = Enumerable.Range(1, 20).Select(i => (i * 13, Messages.Values($"u{i}", length))).ToArray();
        AssertSameBits(Naive(weights, updates), Combine(weights, updates));
    }

    [Fact]
    public void Random_numbers_of_clients_weights_and_sizes_give_the_naive_sum()
    {
        var random = SeededRandom.Derive(1, "cases");
        for (var i = 0; i < 100; i++)
        {
            var length = 1 + random.NextInt(60);
            var updates = Enumerable.Range(0, 1 + random.NextInt(12))
                .Select(k => (1 + random.NextInt(int.MaxValue - 1), Array.ConvertAll(Messages.Values($"{i}/{k}", length), value => value * 1e6f))).ToArray();
            AssertSameBits(Naive(Messages.Values($"w{i}", length), updates), Combine(Messages.Values($"w{i}", length), updates));
        }
    }

    [Fact]
    public void The_order_of_the_updates_is_the_order_of_the_sum()
    {
        // 1 is lost beside 1e17 in double: had the sums another order or more bits, both results were the same.
        (int, float[])[] updates = [(1, [1e17f]), (1, [1f]), (1, [-1e17f])];
        Assert.Equal(0f, Combine([0f], updates)[0]);
        Assert.Equal(1f / 3, Combine([0f], updates[0], updates[2], updates[1])[0]);
    }

    [Fact]
    public void More_threads_and_slices_change_no_bit()
    {
        var weights = Messages.Values("w", Long);
        var updates = Enumerable.Range(1, 5).Select(i => (i, Messages.Values($"u{i}", Long))).ToArray();
        var naive = Naive(weights, updates);
        foreach (var threads in new[] { 1, 2, 4 })
        {
            AssertSameBits(naive, Combine(weights, updates, threads));
        }
    }

    [Fact]
    public void Each_value_is_read_once_and_no_read_is_longer_than_a_slice()
    {
        var reads = new List<(int From, int Length)>();
        var result = FedAvg.Combine(new float[Long], [new WeightedUpdate(1, (from, values) =>
        {
            values.Clear();
            lock (reads)
            {
                reads.Add((from, values.Length));
            }
        })], threads: 2);

        Assert.Equal(Long, result.Length);
        Assert.All(reads, read => Assert.InRange(read.Length, 1, 1 << 17));
        Assert.Equal(0, reads.Min(read => read.From));
        Assert.Equal(Long, reads.Sum(read => read.Length));
        Assert.Equal(reads.Count, reads.DistinctBy(read => read.From).Count());
    }

    [Fact]
    public void The_base_model_is_left_as_it_was()
    {
        var weights = Messages.Values("w", 100);
        Combine(weights, (1, Messages.Values("u", 100)));
        Assert.Equal(Messages.Values("w", 100), weights);
    }

    [Fact]
    public void Many_examples_do_not_overflow() => Assert.Equal([2f], Combine([1f], (int.MaxValue, [1f]), (int.MaxValue, [1f]), (int.MaxValue, [1f])));

    [Fact]
    public void A_thousand_clients_give_the_naive_sum()
    {
        var weights = Messages.Values("w", 15);
        var updates = Enumerable.Range(0, 1000).Select(i => (1 + (i % 50), Messages.Values($"client-{i}", 15))).ToArray();
        AssertSameBits(Naive(weights, updates), Combine(weights, updates, threads: 2));
    }

    [Fact]
    public void No_update_at_all_is_an_error() => Assert.Throws<ArgumentOutOfRangeException>(() => Combine([1f]));

    [Theory, InlineData(1), InlineData(4)]
    public void A_readers_fault_comes_as_it_was_thrown(int threads) => Assert.Throws<IOException>(() => FedAvg.Combine(
        new float[Long], [new WeightedUpdate(1, (from, _) => throw new IOException($"No disk at {from}."))], threads));

    private static float[] Combine(float[] weights, params ReadOnlySpan<(int Weight, float[] Delta)> updates) => Combine(weights, updates.ToArray(), 1);

    private static float[] Combine(float[] weights, (int Weight, float[] Delta)[] updates, int threads = 1) => FedAvg.Combine(
        weights, [.. updates.Select(update => new WeightedUpdate(update.Weight, (from, values) => update.Delta.AsSpan(from, values.Length).CopyTo(values)))], threads);

    // Each sum in double, in the order of the updates, a product and a sum rounded apart.
    private static float[] Naive(float[] weights, (int Weight, float[] Delta)[] updates)
    {
        var total = updates.Sum(update => (long)update.Weight);
        return [.. weights.Select((weight, i) =>
        {
            var sum = 0.0;
            foreach (var (n, delta) in updates)
            {
                sum += (double)delta[i] * n;
            }

            return (float)(weight + (sum / total));
        })];
    }

    private static void AssertSameBits(float[] expected, float[] actual) =>
        Assert.True(MemoryMarshal.Cast<float, int>(expected).SequenceEqual(MemoryMarshal.Cast<float, int>(actual)), "The values differ in at least one bit.");
}
