using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Testing.Noise;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class UpdateNoiseTests
{
    [Fact]
    public void The_noise_of_a_zero_update_is_Gaussian_with_z_C()
    {
        var update = new float[1 << 20];
        UpdateNoise.Release(update, 0.5, 3, new CryptographicNoise());
        var values = Array.ConvertAll(update, value => (double)value);
        Statistics.AssertMean(values, 0, 2.25);
        Statistics.AssertMean(values.Select(x => x * x), 2.25, 2 * 2.25 * 2.25);
        Statistics.AssertDistribution(values, x => Statistics.NormalCdf(x / 1.5), slack: 1e-6);
    }

    [Fact]
    public void Without_the_noise_the_update_is_the_clipped_one()
    {
        float[] update = [30, -40];
        UpdateNoise.Release(update, 2, 1, new SilentNoise());
        float[] clipped = [30, -40];
        Clipping.ClipL2(clipped, 2);
        Assert.Equal(clipped, update);
    }

    [Fact]
    public void No_noise_is_used_twice()
    {
        var first = new float[3 * 4096];
        var second = new float[3 * 4096];
        UpdateNoise.Release(first, 1, 1, new CryptographicNoise());
        UpdateNoise.Release(second, 1, 1, new CryptographicNoise());
        Assert.True(first.Zip(second).Count(pair => pair.First == pair.Second) < 10);
        Assert.True(first.Skip(4096).Zip(first).Count(pair => pair.First == pair.Second) < 10);
    }

    [Fact]
    public void What_cannot_be_released_is_refused_before_anything_is_changed()
    {
        float[] update = [1, float.NaN];
        Assert.ThrowsAny<ArgumentException>(() => UpdateNoise.Release(update, 1, 1, new CryptographicNoise()));
        Assert.ThrowsAny<ArgumentException>(() => UpdateNoise.Release(update, 1, 0, new CryptographicNoise()));
        Assert.ThrowsAny<ArgumentException>(() => UpdateNoise.Release(update, double.NaN, 1, new CryptographicNoise()));
        Assert.Equal([1, float.NaN], update);
    }
}
