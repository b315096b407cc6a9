using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Numerics;

public sealed class NormalDistributionTests
{
    [Fact]
    public void Logarithms_of_the_distribution_agree_with_40_digit_values_in_both_tails()
    {
        foreach (var row in GoldenValues.Rows("normalLogCdf"))
        {
            GoldenValues.AssertClose(row[1], NormalDistribution.LogCdf(row[0]), 2e-14);
            GoldenValues.AssertClose(Math.Exp(row[1]), NormalDistribution.Cdf(row[0]), 2e-14 * Math.Max(1, Math.Abs(row[1])));
        }
    }

    [Theory, InlineData(0.4), InlineData(1e-5), InlineData(1e-30), InlineData(1e-200)]
    public void Beyond_the_tail_bound_there_is_at_most_the_mass(double mass) =>
        Assert.InRange(NormalDistribution.LogCdf(-NormalDistribution.TailBound(mass)), -1000, Math.Log(mass));

    [Theory]
    [InlineData(1e-20, 1e-20), InlineData(-1e-9, -9.999999995e-10), InlineData(1e-4, 1.0000500016667083e-4), InlineData(0.5, 0.6487212707001282)]
    [InlineData(-0.3, -0.2591817793182821), InlineData(-50, -1.0), InlineData(3, 19.085536923187668)]
    public void Exponentials_near_zero_keep_their_digits(double x, double expected) => GoldenValues.AssertClose(expected, LogArithmetic.ExpM1(x), 1e-15);

    [Theory]
    [InlineData(1e-20, 1e-20), InlineData(-1e-9, -1.0000000005e-9), InlineData(1e-4, 9.999500033330834e-5), InlineData(0.5, 0.4054651081081644)]
    [InlineData(-0.9, -2.302585092994046), InlineData(1e6, 13.815511557963774)]
    public void Logarithms_near_one_keep_their_digits(double x, double expected) => GoldenValues.AssertClose(expected, LogArithmetic.LogP1(x), 1e-15);

    [Fact]
    public void A_sum_of_exponentials_neither_overflows_nor_vanishes()
    {
        var sum = new LogSum();
        Assert.Equal(double.NegativeInfinity, sum.Value);
        sum.Add(double.NegativeInfinity);
        sum.Add(-1000);
        sum.Add(5000);
        sum.Add(5000 + Math.Log(2));
        Assert.Equal(5000 + Math.Log(3), sum.Value, 1e-12);
    }

    /// <remarks>What is read as −∞ becomes a moment of 1, a divergence of 0, and a charge of nothing.</remarks>
    [Fact]
    public void A_sum_with_an_infinite_term_is_infinite_and_one_with_no_number_is_no_number()
    {
        Assert.Equal(double.PositiveInfinity, Sum(1, double.PositiveInfinity, double.PositiveInfinity, 3));
        Assert.Equal(double.PositiveInfinity, Sum(double.PositiveInfinity));
        Assert.Equal(double.NaN, Sum(double.NaN));
        Assert.Equal(double.NaN, Sum(1, double.NaN, 3));
        Assert.Equal(double.NaN, Sum(double.PositiveInfinity, double.NaN));

        static double Sum(params double[] terms)
        {
            var sum = new LogSum();
            foreach (var term in terms)
            {
                sum.Add(term);
            }

            return sum.Value;
        }
    }
}
