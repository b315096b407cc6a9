using FlEvents.DifferentialPrivacy.Accounting.Numerics;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Rdp;

public sealed class SubsampledGaussianMomentTests
{
    /// <remarks>The tolerance is what ln A loses when it is tiny; 10⁻⁶ sampling rates included.</remarks>
    [Fact]
    public void Divergences_agree_with_40_digit_quadrature_at_whole_and_fractional_orders()
    {
        foreach (var row in GoldenValues.Rows("rdp"))
        {
            GoldenValues.AssertClose(row[3], SubsampledGaussianMoment.Log(row[0], row[1], row[2]) / (row[2] - 1), 2e-11);
        }
    }

    [Fact]
    public void Divergences_at_orders_in_the_thousands_agree_with_40_digit_sums()
    {
        foreach (var row in GoldenValues.Rows("wholeOrderRdp"))
        {
            GoldenValues.AssertClose(row[3], SubsampledGaussianMoment.Log(row[0], row[1], row[2]) / (row[2] - 1), 2e-11);
        }
    }

    [Fact]
    public void Sums_and_quadrature_agree_at_whole_orders()
    {
        foreach (var (q, z) in new[] { (0.01, 1.1), (0.5, 0.7), (1e-5, 0.4), (0.2, 30.0) })
        {
            foreach (var order in new[] { 2.0, 3, 7, 32, 200 })
            {
                GoldenValues.AssertClose(
                    SubsampledGaussianMoment.Log(q, z, order), SubsampledGaussianMoment.LogByQuadrature(q, z, order), 1e-10);
            }
        }
    }

    /// <summary>The series of arXiv:1908.10530, §3.3, with the signs of its binomial coefficients.</summary>
    [Theory, InlineData(0.005, 1.2, 2.5), InlineData(0.2, 0.6, 1.5), InlineData(0.05, 1.5, 10.3), InlineData(0.01, 2.0, 4.7)]
    public void Fractional_orders_agree_with_the_signed_series(double q, double z, double order)
    {
        var exact = SubsampledGaussianMoment.Log(q, z, order);

        GoldenValues.AssertClose(exact, Math.Log(Series(q, z, order, keepsSigns: true)), 1e-9 + (1e-14 / exact));
    }

    /// <summary>dp_accounting 0.6.0 drops the signs and returns 3.143662929e-05 for the first (vector pub-09).</summary>
    [Theory, InlineData(0.005, 1.2, 2.5), InlineData(0.2, 0.6, 1.5)]
    public void A_series_without_signs_is_another_number(double q, double z, double order) =>
        Assert.True(Math.Log(Series(q, z, order, keepsSigns: false)) > SubsampledGaussianMoment.Log(q, z, order) * 1.00001);

    [Fact]
    public void The_moment_grows_with_order_and_rate_and_falls_with_noise()
    {
        var cases = from q in Gen.Choose(1, 900).Select(n => n / 1000.0)
                    from z in Gen.Choose(4, 100).Select(n => n / 10.0)
                    from order in Gen.Choose(11, 400).Select(n => n / 10.0)
                    select (q, z, order);
        Prop.ForAll(cases.ToArbitrary(), test =>
        {
            var (q, z, order) = test;
            var moment = SubsampledGaussianMoment.Log(q, z, order);
            var higher = SubsampledGaussianMoment.Log(q, z, order + 0.3) / (order - 0.7);
            return moment > 0
                && moment / (order - 1) <= higher
                && moment <= SubsampledGaussianMoment.Log(q * 1.1, z, order)
                && moment >= SubsampledGaussianMoment.Log(q, z * 1.1, order)
                && moment <= order * (order - 1) / (2 * z * z) * (1 + 1e-12);
        }).QuickCheckThrowOnFailure();
    }

    private static double Series(double q, double z, double order, bool keepsSigns)
    {
        var edge = (z * z * Math.Log((1 / q) - 1)) + 0.5;
        var (sum, coefficient) = (0.0, 1.0);
        for (var k = 0; k < 400; k++)
        {
            var signed = keepsSigns ? coefficient : Math.Abs(coefficient);
            sum += signed * (Term(k, order - k, NormalDistribution.LogCdf((edge - k) / z)) + Term(order - k, k, NormalDistribution.LogCdf((order - k - edge) / z)));
            coefficient *= (order - k) / (k + 1);
        }

        return sum;

        double Term(double chosen, double others, double logShare) => Math.Exp(
            (chosen * Math.Log(q)) + (others * Math.Log(1 - q)) + (chosen * (chosen - 1) / (2 * z * z)) + logShare);
    }
}
