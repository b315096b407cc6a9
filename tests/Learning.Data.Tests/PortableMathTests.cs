namespace FlEvents.Learning.Data.Tests;

public class PortableMathTests
{
    // The stated bound of 2⁻⁵⁰ plus the platform's own error of at most 2⁻⁵².
    private const double Tolerance = 1.25 / (1L << 50);

    [Fact]
    public void Exp_is_within_its_stated_relative_error()
    {
        for (var i = -708_000; i <= 709_000; i += 37)
        {
            var x = i / 1000.0;
            AssertRelative(Math.Exp(x), PortableMath.Exp(x), x);
        }
    }

    [Fact]
    public void Log_is_within_its_stated_relative_error_also_close_to_one()
    {
        for (var i = 1; i < 20_000; i++)
        {
            foreach (var x in new[] { i / 4096.0, 1 + (i * 1e-9), 1 - (i * 1e-9), i * 1e300, i * 1e-307 })
            {
                AssertRelative(Math.Log(x), PortableMath.Log(x), x);
            }
        }

        Assert.Equal(0.0, PortableMath.Log(1));
    }

    [Fact]
    public void Sine_and_cosine_are_within_their_stated_absolute_error()
    {
        for (var i = -1_000_000; i <= 1_000_000; i += 41)
        {
            var x = i / 1000.0;
            var (sin, cos) = PortableMath.SinCos(x);
            Assert.True(Math.Abs(sin - Math.Sin(x)) <= Tolerance, $"sin {x}: {sin}");
            Assert.True(Math.Abs(cos - Math.Cos(x)) <= Tolerance, $"cos {x}: {cos}");
        }
    }

    [Fact]
    public void Known_values_have_fixed_bits()
    {
        Assert.Equal(1.0, PortableMath.Exp(0));
        Assert.Equal(0.0, PortableMath.Exp(-1000));
        Assert.Equal((0.0, 1.0), PortableMath.SinCos(0));
        Assert.Equal(0x4005BF0A8B14576A, BitConverter.DoubleToInt64Bits(PortableMath.Exp(1)));
        Assert.Equal(0x40026BB1BBB55516, BitConverter.DoubleToInt64Bits(PortableMath.Log(10)));
    }

    [Theory, InlineData(double.NaN), InlineData(709.1), InlineData(double.PositiveInfinity)]
    public void Exp_refuses_what_it_can_not_represent(double x) => Assert.Throws<ArgumentOutOfRangeException>(() => PortableMath.Exp(x));

    [Theory, InlineData(double.NaN), InlineData(0.0), InlineData(-1.0), InlineData(double.PositiveInfinity), InlineData(1e-310)]
    public void Log_refuses_what_is_not_a_normal_positive_number(double x) => Assert.Throws<ArgumentOutOfRangeException>(() => PortableMath.Log(x));

    [Theory, InlineData(double.NaN), InlineData(1000.5), InlineData(-1000.5)]
    public void Sine_refuses_angles_beyond_its_range(double x) => Assert.Throws<ArgumentOutOfRangeException>(() => PortableMath.SinCos(x));

    private static void AssertRelative(double expected, double actual, double x) =>
        Assert.True(Math.Abs(actual - expected) <= Tolerance * Math.Abs(expected), $"{x}: {actual:R}, expected {expected:R}");
}
