using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class LaplaceNoiseTests
{
    private static readonly CryptographicNoise Noise = new();

    [Fact]
    public void Values_follow_the_Laplace_distribution()
    {
        var values = new double[1 << 20];
        Noise.Laplace(values, 2);
        Statistics.AssertMean(values, 0, 8);

        // E x² = 2b², E x⁴ = 24b⁴.
        Statistics.AssertMean(values.Select(x => x * x), 8, (24 - 4) * 16);
        Statistics.AssertMean(values.Skip(1).Zip(values, (x, y) => x * y), 0, 64);
        foreach (var bound in new[] { 10.0, 20.0 })
        {
            Statistics.AssertCount(values.LongCount(x => Math.Abs(x) > bound), values.Length, Math.Exp(-bound / 2));
        }

        Statistics.AssertDistribution(values, x => x < 0 ? 0.5 * Math.Exp(x / 2) : 1 - (0.5 * Math.Exp(-x / 2)));
    }

    [Fact]
    public void The_smallest_uniform_gives_a_draw_of_44_scales()
    {
        var values = new double[9];
        LaplaceNoise.Fill(values, 1, bytes => bytes.Clear());
        Assert.All(values, value => Assert.Equal(64 * Math.Log(2), value, 1e-12));
    }

    [Fact]
    public void Every_value_of_every_length_is_drawn_and_none_beyond()
    {
        for (var length = 0; length < 40; length++)
        {
            var values = new double[length + 1];
            values.AsSpan().Fill(double.NaN);
            Noise.Laplace(values.AsSpan(0, length), 1);
            Assert.Equal(length, values.Count(double.IsFinite));
        }
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_scale_that_is_none_is_refused(double scale) =>
        Assert.Contains("The scale is", Assert.Throws<ArgumentOutOfRangeException>(() => Noise.Laplace(new double[1], scale)).Message, StringComparison.Ordinal);
}
