using System.Numerics;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Testing.Noise;

namespace FlEvents.DifferentialPrivacy.Tests.Mechanisms;

public sealed class ClippingTests
{
    /// <summary>Every float is a whole multiple of 2⁻¹⁴⁹, so sums of squares and magnitudes are exact in these units.</summary>
    private const int UnitBits = 149;

    [Fact]
    public void An_update_inside_the_ball_keeps_its_bits()
    {
        float[] update = [3, -4, 0];
        Assert.Equal(5, Clipping.ClipL2(update, 5.1));
        Assert.Equal([3, -4, 0], update);
        Assert.Equal(7, Clipping.ClipL1(update, 7.1));
        Assert.Equal([3, -4, 0], update);
    }

    [Theory, InlineData(0.5), InlineData(4.99), InlineData(5.0)]
    public void An_update_outside_the_ball_or_on_its_surface_is_scaled_to_just_below_it(double clipNorm)
    {
        float[] update = [3, -4, 0];
        Assert.Equal(5, Clipping.ClipL2(update, clipNorm));
        Assert.Equal(3 * clipNorm / 5 * Clipping.Margin, update[0], 1e-7 * clipNorm);
        Assert.Equal(-4 * clipNorm / 5 * Clipping.Margin, update[1], 1e-7 * clipNorm);

        float[] other = [3, -4, 0];
        Assert.Equal(7, Clipping.ClipL1(other, clipNorm));
        Assert.Equal(3 * clipNorm / 7 * Clipping.Margin, other[0], 1e-7 * clipNorm);
    }

    [Fact]
    public void The_true_norm_of_a_clipped_update_is_at_most_C_in_exact_arithmetic()
    {
        var random = new SeededNoise(5);
        foreach (var length in new[] { 1, 2, 7, 8, 9, 1000, 100_003 })
        {
            foreach (var clipNorm in new[] { 1e-30, 1e-3, 0.1, 1, 7.3, 1e20 })
            {
                foreach (var scale in new[] { 1e-3, 1, 1.0000001, 1e5 })
                {
                    var update = Array.ConvertAll(random.Uniform(length), x => (float)(x * clipNorm * scale));
                    var l1 = (float[])update.Clone();
                    Clipping.ClipL2(update, clipNorm);
                    Clipping.ClipL1(l1, clipNorm);
                    var bound = Units(clipNorm);
                    Assert.True(update.Aggregate(BigInteger.Zero, (sum, x) => sum + BigInteger.Pow(Units(x), 2)) <= bound * bound, $"{length}, {clipNorm}, {scale}");
                    Assert.True(l1.Aggregate(BigInteger.Zero, (sum, x) => sum + BigInteger.Abs(Units(x))) <= bound, $"{length}, {clipNorm}, {scale}");
                }
            }
        }
    }

    [Fact]
    public void The_norm_is_summed_in_double_in_eight_lanes_and_a_fixed_tree()
    {
        var random = new SeededNoise(3);
        for (var length = 1000; length < 1060; length++)
        {
            // Of many sizes, so that additions round.
            var update = Array.ConvertAll(random.Uniform(length), x => x * x * x * x * x);
            Assert.Equal(Math.Sqrt(Sum(update, x => (double)x * x)), Clipping.ClipL2(update, 1e6));
            Assert.Equal(Sum(update, x => Math.Abs(x)), Clipping.ClipL1(update, 1e6));
        }

        static double Sum(float[] update, Func<float, double> term)
        {
            var l = new double[8];
            foreach (var (i, value) in update.Index())
            {
                l[i % 8] += term(value);
            }

            return l[0] + l[4] + (l[2] + l[6]) + (l[1] + l[5] + (l[3] + l[7]));
        }
    }

    [Fact]
    public void The_largest_floats_have_a_finite_norm()
    {
        var update = new float[1000];
        update.AsSpan().Fill(float.MaxValue);
        Clipping.ClipL2(update, 1);
        Assert.All(update, value => Assert.Equal(1 / Math.Sqrt(1000), value, 1e-6));
    }

    [Theory, InlineData(float.NaN), InlineData(float.PositiveInfinity), InlineData(float.NegativeInfinity)]
    public void An_update_that_is_not_finite_is_refused_and_left_alone(float value)
    {
        foreach (var at in new[] { 0, 8, 9 })
        {
            float[] update = [9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
            update[at] = value;
            var before = (float[])update.Clone();
            Assert.Contains("NaN or an infinity", Assert.Throws<ArgumentException>(() => Clipping.ClipL2(update, 1)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => Clipping.ClipL1(update, 1));
            Assert.Equal(before, update);
        }
    }

    [Theory, InlineData(0), InlineData(-1), InlineData(1e-31), InlineData(1e31), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void A_norm_off_the_range_is_refused(double clipNorm)
    {
        Assert.Contains("The clipping norm is", Assert.Throws<ArgumentOutOfRangeException>(() => Clipping.ClipL2([1], clipNorm)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Clipping.ClipL1([1], clipNorm));
    }

    /// <summary>A number in units of 2⁻¹⁴⁹, cut to whole ones: exact for floats, and for a bound on the safe side.</summary>
    private static BigInteger Units(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = (BigInteger)((bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52));
        var shift = Math.Max(exponent, 1) - 1075 + UnitBits;
        var units = shift >= 0 ? mantissa << shift : mantissa >> -shift;
        return value < 0 ? -units : units;
    }
}
