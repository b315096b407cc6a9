using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class AdaptiveClippingTests
{
    private static readonly AdaptiveClipping Adaptive = new() { Quantile = 0.5, LearningRate = 0.2, SmallestNorm = 0.01, LargestNorm = 10 };

    [Fact]
    public void Multipliers_known_by_hand()
    {
        // (1 − 1/4)^(−½), and (1/4 − 1/16)^(−½).
        Assert.Equal(1.1547005383792515, AdaptiveClipping.UpdateNoiseMultiplier(1, 1), 1e-15);
        Assert.Equal(2.309401076758503, AdaptiveClipping.UpdateNoiseMultiplier(2, 2), 1e-15);
    }

    [Theory, InlineData(1, 0.3), InlineData(100, 0.5), InlineData(100, 3), InlineData(10_000, 1)]
    public void Updates_and_count_together_cost_what_the_accountant_is_told_and_the_default_adds_little_noise(int cohort, double z)
    {
        var countNoise = AdaptiveClipping.DefaultCountNoise(cohort, z);
        Assert.Equal(Math.Max(cohort / 20.0, 2 * z), countNoise);
        var update = AdaptiveClipping.UpdateNoiseMultiplier(z, countNoise);
        Assert.InRange(update, z, 1.033 * z);

        // Gaussian costs add as 1/(2z²): sensitivity 1 in units of C for the updates, ½ for the count.
        Assert.Equal(1 / (z * z), (1 / (update * update)) + (0.25 / (countNoise * countNoise)), 1e-12 / (z * z));
    }

    [Theory, InlineData(2, 1), InlineData(3, 1)]
    public void A_multiplier_that_the_count_alone_uses_up_is_refused_with_the_smallest_noise_that_would_do(double z, double countNoise)
    {
        var message = Assert.Throws<ArgumentOutOfRangeException>(() => AdaptiveClipping.UpdateNoiseMultiplier(z, countNoise)).Message;
        Assert.Contains($"expected a count noise above {z / 2}, at the least {Math.BitIncrement(z / 2)}.", message, StringComparison.Ordinal);
        Assert.True(double.IsFinite(AdaptiveClipping.UpdateNoiseMultiplier(z, Math.BitIncrement(z / 2))));
    }

    [Fact]
    public void The_norm_moves_towards_the_quantile_within_its_range()
    {
        Assert.Equal(1, Adaptive.Next(1, 0.5));
        Assert.Equal(Math.Exp(-0.1), Adaptive.Next(1, 1), 1e-15);
        Assert.Equal(Math.Exp(0.1), Adaptive.Next(1, 0), 1e-15);
        Assert.Equal(10, Adaptive.Next(9.9, 0));
        Assert.Equal(0.01, Adaptive.Next(0.0101, 1));
    }

    [Fact]
    public void It_finds_the_quantile_of_norms()
    {
        var clipNorm = 5.0;
        for (var round = 0; round < 400; round++)
        {
            clipNorm = Adaptive.Next(clipNorm, Enumerable.Range(1, 100).Count(norm => norm / 50.0 <= clipNorm) / 100.0);
        }

        Assert.Equal(1, clipNorm, 0.05);
    }

    [Fact]
    public void Settings_out_of_range_are_refused()
    {
        Assert.ThrowsAny<ArgumentException>(() => Adaptive.Next(1, 1.1));
        Assert.ThrowsAny<ArgumentException>(() => Adaptive.Next(1, double.NaN));
        Assert.ThrowsAny<ArgumentException>(() => Adaptive.Next(0, 0.5));
        Assert.ThrowsAny<ArgumentException>(() => (Adaptive with { Quantile = 1 }).Next(1, 0.5));
        Assert.ThrowsAny<ArgumentException>(() => (Adaptive with { LearningRate = 0 }).Next(1, 0.5));
        Assert.ThrowsAny<ArgumentException>(() => (Adaptive with { SmallestNorm = 11 }).Next(1, 0.5));
        Assert.ThrowsAny<ArgumentException>(() => AdaptiveClipping.DefaultCountNoise(0, 1));
        Assert.ThrowsAny<ArgumentException>(() => AdaptiveClipping.DefaultCountNoise(1, double.NaN));
    }
}
