using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Testing.Noise;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class CentralReleaseTests
{
    private static readonly CentralSettings Settings = new() { ClipNorm = 0.75, NoiseMultiplier = 1.25, TargetCohort = 10 };

    [Fact]
    public void Without_noise_it_is_the_sum_of_clipped_updates_over_the_target_cohort_truncated_to_the_grid()
    {
        float[][] updates = [[0.3f, -0.4f], [30, -40], [0, 0.1f]];
        var mean = Released(updates);

        // One step of the grid each, 0.75·1.25·2⁻²⁰, is the most that truncation takes from an update.
        var step = 0.75 * 1.25 / (1 << 20);
        Assert.InRange(mean[0], (0.3 + 0.45 - (3 * step) - 1e-6) / 10, (0.3 + 0.45 + 1e-7) / 10);
        Assert.InRange(-mean[1], (0.4 + 0.6 - 0.1 - (3 * step) - 1e-6) / 10, (0.4 + 0.6 - 0.1 + step) / 10);
    }

    [Fact]
    public void Each_coordinate_is_cut_toward_zero_to_whole_steps()
    {
        // z·C = 2²⁰ steps of the grid: with σ = 2²⁰ a step is 1.
        var settings = new CentralSettings { ClipNorm = 1 << 20, NoiseMultiplier = 1, TargetCohort = 1 };
        float[] update = [0.99f, -0.99f, 1.5f, -1.5f, 2f, -2f, 3.999f, -3.999f, 1e-20f, 0f];
        Assert.Equal([0, 0, 1, -1, 2, -2, 3, -3, 0, 0], CentralRelease.Release(10, Readers([update]), settings, new SilentNoise(), 1).MeanUpdate);
    }

    [Fact]
    public void One_client_moves_the_sum_by_at_most_C_whatever_it_sends()
    {
        var random = new SeededNoise(1);
        foreach (var scale in new[] { 1e-6f, 0.01f, 1, 1e10f, 1e30f })
        {
            for (var trial = 0; trial < 20; trial++)
            {
                float[][] others = [.. Enumerable.Range(0, trial).Select(_ => random.Uniform(300))];
                var extra = Array.ConvertAll(random.Uniform(300), x => x * scale);
                var with = Released([.. others, extra]);
                var without = Released(others);
                var moved = Math.Sqrt(with.Zip(without, (x, y) => (x - (double)y) * (x - (double)y)).Sum());

                // The mean is rounded to float after the noise would have come: 300 coordinates of at most trial·C/D, 2⁻²⁴ each.
                var rounding = Math.Sqrt(300) * 0.075 * (trial + 1) * Math.ScaleB(1, -23);
                Assert.True(moved <= (0.75 / 10) + rounding, $"{scale}, {trial}: {moved}.");
            }
        }
    }

    [Fact]
    public void The_noise_of_zero_updates_has_deviation_z_C_over_D_however_many_there_are()
    {
        foreach (var count in new[] { 0, 1, 25 })
        {
            var updates = Enumerable.Repeat(new float[1 << 18], count).ToArray();
            var result = CentralRelease.Release(1 << 18, Readers(updates), Settings, new CryptographicNoise(), 2);
            var deviation = 0.75 * 1.25 / 10;
            var values = Array.ConvertAll(result.MeanUpdate, value => (double)value);
            Statistics.AssertMean(values, 0, deviation * deviation);
            Statistics.AssertMean(values.Select(x => x * x), deviation * deviation, 2 * Math.Pow(deviation, 4));
            Statistics.AssertDistribution(values, x => Statistics.NormalCdf(x / deviation), slack: 1e-5);
            Assert.Null(result.UnclippedShare);

            // Two slices of 2¹⁷, each with noise of its own: on the grid of some 10⁷ steps equal values are rare.
            Assert.True(values.Length - values.Distinct().Count() < values.Length / 10);
        }
    }

    [Fact]
    public void Neither_the_order_of_the_updates_nor_threads_nor_slices_change_a_bit()
    {
        const int Length = (2 << 17) + 5;
        var random = new SeededNoise(2);
        float[][] updates = [.. Enumerable.Range(0, 4).Select(_ => random.Uniform(Length))];
        var expected = CentralRelease.Release(Length, Readers(updates), Settings, new SilentNoise(), 1).MeanUpdate;
        Assert.Equal(expected, CentralRelease.Release(Length, Readers(updates), Settings, new SilentNoise(), 3).MeanUpdate);
        Assert.Equal(expected, CentralRelease.Release(Length, Readers([updates[2], updates[0], updates[3], updates[1]]), Settings, new SilentNoise(), 2).MeanUpdate);
        foreach (var (update, values) in updates.Index())
        {
            Clipping.ClipL2(values, 0.75);
            Assert.True(values.Any(value => value != 0), $"{update}");
        }

        for (var i = 0; i < Length; i += 1013)
        {
            Assert.Equal(updates.Sum(update => (double)update[i]) / 10, expected[i], 4e-7);
        }
    }

    [Fact]
    public void Two_releases_of_the_same_updates_differ()
    {
        var readers = Readers([new float[100]]);
        var first = CentralRelease.Release(100, readers, Settings, new CryptographicNoise(), 1).MeanUpdate;
        var second = CentralRelease.Release(100, readers, Settings, new CryptographicNoise(), 1).MeanUpdate;
        Assert.True(first.Zip(second).Count(pair => pair.First == pair.Second) < 5);
    }

    [Fact]
    public void With_adaptive_clipping_updates_get_more_noise_and_the_share_is_that_of_unclipped_ones_over_D()
    {
        var settings = Settings with { CountNoise = 2 };
        float[][] updates = [[0.1f], [0.2f], [0.75f], [4]];

        // ½ + (½ + ½ + ½ − ½)/10, each half cut to the grid of 2·2⁻²⁰.
        Assert.Equal(0.6, CentralRelease.Release(1, Readers(updates), settings, new SilentNoise(), 1).UnclippedShare!.Value, 1e-6);
        Assert.Equal(0.5, CentralRelease.Release(1, [], settings, new SilentNoise(), 1).UnclippedShare!.Value);

        var deviation = AdaptiveClipping.UpdateNoiseMultiplier(1.25, 2) * 0.75 / 10;
        var mean = CentralRelease.Release(1 << 18, [], settings, new CryptographicNoise(), 1).MeanUpdate;
        Statistics.AssertMean(mean.Select(x => (double)x * x), deviation * deviation, 2 * Math.Pow(deviation, 4));
    }

    [Fact]
    public void The_noise_of_the_share_has_deviation_sigma_b_over_D()
    {
        // D = 100 and σ_b = 2 keep the share 25 deviations off its clamps.
        var settings = Settings with { CountNoise = 2, TargetCohort = 100 };
        var noise = new CryptographicNoise();
        double[] shares = [.. Enumerable.Range(0, 20_000).Select(_ => CentralRelease.Release(1, [], settings, noise, 1).UnclippedShare!.Value)];
        Statistics.AssertMean(shares, 0.5, 4e-4);
        Statistics.AssertMean(shares.Select(share => (share - 0.5) * (share - 0.5)), 4e-4, 2 * 16e-8);
    }

    [Theory, InlineData(1), InlineData(2)]
    public void An_update_that_is_not_finite_is_named_and_a_fault_of_a_reader_comes_as_it_was_thrown(int threads)
    {
        var bad = new float[20];
        bad[17] = float.PositiveInfinity;
        var readers = Readers([new float[20], bad, new float[20]]);
        var error = Assert.Throws<ArgumentException>(() => CentralRelease.Release(20, readers, Settings, new SilentNoise(), threads));
        Assert.Contains("Update 1 holds a NaN or an infinity", error.Message, StringComparison.Ordinal);

        UpdateReader[] failing = [(_, _) => throw new IOException("gone"), (_, _) => throw new IOException("gone")];
        Assert.Throws<IOException>(() => CentralRelease.Release(20, failing, Settings, new SilentNoise(), threads));
    }

    [Fact]
    public void Settings_out_of_range_and_sums_that_might_overflow_are_refused()
    {
        void Refused(string text, CentralSettings settings, int count = 1) => Assert.Contains(
            text,
            Assert.ThrowsAny<ArgumentException>(() =>
                CentralRelease.Release(1, [.. Enumerable.Repeat(Readers([[1f]])[0], count)], settings, new CryptographicNoise(), 1)).Message,
            StringComparison.Ordinal);
        Refused("The clipping norm is 0", Settings with { ClipNorm = 0 });
        Refused("The noise multiplier is NaN", Settings with { NoiseMultiplier = double.NaN });
        Refused("TargetCohort", Settings with { TargetCohort = 0 });
        Refused("a count noise above 0.625", Settings with { CountNoise = 0.5 });

        // 2²⁰/z steps an update: 2⁵⁰ at most, so that each stays exact, and 2⁶¹ together.
        Refused("do not fit sums of 64 bits", Settings with { NoiseMultiplier = 0.9e-9 });
        Refused("do not fit sums of 64 bits", Settings with { NoiseMultiplier = 1e-9 }, count: 2200);
        CentralRelease.Release(1, Readers([[1f]]), Settings with { NoiseMultiplier = 1e-9 }, new SilentNoise(), 1);
    }

    private static float[] Released(float[][] updates) =>
        CentralRelease.Release(updates.Length == 0 ? 300 : updates[0].Length, Readers(updates), Settings, new SilentNoise(), 1).MeanUpdate;

    private static UpdateReader[] Readers(float[][] updates) =>
        [.. updates.Select(update => new UpdateReader((from, values) => update.AsSpan(from, values.Length).CopyTo(values)))];
}
