using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Tests.Console;

public class HumanUnitsTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.00 kB")]
    [InlineData(175_904, "176 kB")]
    [InlineData(999_499, "999 kB")]
    [InlineData(999_500, "1.00 MB")]
    [InlineData(40_100_000, "40.1 MB")]
    [InlineData(long.MaxValue, "9.22 EB")]
    public void Bytes_have_three_digits_and_a_decimal_unit(long bytes, string expected) => Assert.Equal(expected, HumanUnits.Bytes(bytes));

    [Theory]
    [InlineData(0, "0 ms")]
    [InlineData(0.42, "420 ms")]
    [InlineData(0.9996, "1.00 s")]
    [InlineData(3.456, "3.46 s")]
    [InlineData(41.3, "41.3 s")]
    [InlineData(59.96, "1 min 0 s")]
    [InlineData(125, "2 min 5 s")]
    [InlineData(3599.6, "1 h 0 min")]
    [InlineData(4330, "1 h 12 min")]
    public void Durations_have_the_unit_that_fits(double seconds, string expected) => Assert.Equal(expected, HumanUnits.Duration(seconds));

    [Theory]
    [InlineData(0.0, "0.0000")]
    [InlineData(0.12345, "0.1235")]
    [InlineData(2.3025, "2.303")]
    [InlineData(123.456, "123.5")]
    [InlineData(0.00012345, "1.235e-4")]
    [InlineData(null, "–")]
    public void Scores_have_four_digits(double? score, string expected) => Assert.Equal(expected, HumanUnits.Score(score));

    [Fact]
    public void Shares_are_percentages() => Assert.Equal(["97.25 %", "100.00 %", "–"], new double?[] { 0.9725, 1, null }.Select(HumanUnits.Share));
}
