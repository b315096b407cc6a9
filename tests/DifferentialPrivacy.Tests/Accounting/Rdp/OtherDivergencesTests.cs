using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting.Rdp;

public sealed class OtherDivergencesTests
{
    [Fact]
    public void Laplace_agrees_with_40_digit_values()
    {
        foreach (var row in GoldenValues.Rows("laplaceRdp"))
        {
            GoldenValues.AssertClose(row[2], new RdpCurve(new LaplaceEvent(row[0])).At(row[1]), 1e-11);
        }
    }

    /// <summary>Limits of proposition 6 of arXiv:1702.07476: ε₀ + e^(−ε₀) − 1 as α → 1 and ε₀ as α → ∞.</summary>
    [Fact]
    public void Laplace_tends_to_its_limits()
    {
        Assert.Equal(2 + Math.Exp(-2) - 1, PureRdp.Laplace(2, 1 + 1e-9), 1e-7);
        Assert.Equal(2, PureRdp.Laplace(2, 1e9), 1e-7);
        Assert.Equal(0.5 * 3 * 1e-12, PureRdp.Laplace(1e-6, 3), 1e-17);
    }

    /// <summary>By hand at ε = ln 3: ¾·3^(α−1) + ¼·3^(1−α).</summary>
    [Theory, InlineData(2.0), InlineData(1.5), InlineData(40.0)]
    public void Randomised_response_is_as_by_hand(double order) => Assert.Equal(
        Math.Log((0.75 * Math.Pow(3, order - 1)) + (0.25 * Math.Pow(3, 1 - order))) / (order - 1), PureRdp.RandomizedResponse(Math.Log(3), order), 1e-12);

    /// <summary>With Δ = 1 noise e^(−a|x|) is randomised response with ε = a.</summary>
    [Theory, InlineData(0.1), InlineData(1.0), InlineData(4.0)]
    public void Discrete_Laplace_of_sensitivity_one_is_randomised_response(double a) =>
        GoldenValues.AssertClose(PureRdp.RandomizedResponse(a, 3.5), PureRdp.DiscreteLaplace(new DiscreteLaplaceEvent(a), 3.5), 1e-12);

    [Fact]
    public void Discrete_Laplace_of_a_large_sensitivity_tends_to_Laplace() =>
        GoldenValues.AssertClose(PureRdp.Laplace(0.5, 4), PureRdp.DiscreteLaplace(new DiscreteLaplaceEvent(0.0005, 1000), 4), 1e-5);

    [Fact]
    public void Other_Gaussians_are_Gaussians_with_another_noise_multiplier()
    {
        Assert.Equal(new RdpCurve(new GaussianEvent(2)).At(7), new RdpCurve(new DiscreteGaussianEvent(6, 3, 1000)).At(7), 1e-14);
        Assert.Equal(4 * 9 * new RdpCurve(new GaussianEvent(3)).At(3.3), new RdpCurve(new TreeGaussianEvent(3, 500, 4)).At(3.3), 1e-13);
    }

    /// <summary>⌈log₂(n+1)⌉: Kairouz et al. 2021, arXiv:2103.00039, appendix D.</summary>
    [Theory, InlineData(1, 1), InlineData(2, 2), InlineData(3, 2), InlineData(4, 3), InlineData(500, 9), InlineData(511, 9), InlineData(512, 10)]
    public void A_tree_has_a_level_for_each_binary_digit(long steps, int levels) => Assert.Equal(levels, new TreeGaussianEvent(1, steps).Levels);

    /// <summary>dp_accounting 0.6.0, SampledWithoutReplacementDpEvent: 0.974631295782 at order 17 (vector pub-25).</summary>
    [Fact]
    public void Fixed_size_samples_agree_with_the_published_theorem()
    {
        var bound = RdpAccountant.Epsilon(new FixedSizeGaussianEvent(20000, 100, 1.4, 800), 1e-5, [.. Enumerable.Range(2, 62).Select(order => (double)order)]);

        Assert.Equal(0.974631295782, bound.Value, 1e-8);
        Assert.Equal(17, bound.Order);
    }

    [Fact]
    public void Fixed_size_samples_never_cost_more_than_all_data()
    {
        foreach (var sampleSize in new[] { 1L, 300, 900, 999 })
        {
            var curve = new RdpCurve(new FixedSizeGaussianEvent(1000, sampleSize, 0.7));
            foreach (var order in new[] { 1.3, 2, 9.5, 40, 300 })
            {
                Assert.InRange(curve.At(order), 0, order / (2 * 0.49) * (1 + 1e-12));
            }
        }
    }

    [Fact]
    public void Fixed_size_samples_interpolate_between_whole_orders()
    {
        var curve = new RdpCurve(new FixedSizeGaussianEvent(1000, 10, 1.5));

        Assert.Equal((0.25 * 8 * curve.At(9)) + (0.75 * 9 * curve.At(10)), 8.75 * curve.At(9.75), 1e-12);
    }

    /// <summary>The forward differences behind theorem 27, for small l by their definition.</summary>
    [Fact]
    public void A_sample_of_fixed_size_at_order_two_is_as_by_hand()
    {
        var (q, z) = (0.02, 1.3);
        var secondTerm = q * q * Math.Min(4 * (Math.Exp(1 / (z * z)) - 1), 2 * Math.Exp(1 / (z * z)));

        Assert.Equal(Math.Log(1 + secondTerm), new FixedSizeGaussianMoment(q, z).Log(2), 1e-13);

        // l = 4: Σ (−1)^(4−i)·C(4,i)·e^(i(i−1)/2z²), and for j = 3 the geometric mean with l = 2.
        double Exponential(int i) => Math.Exp(i * (i - 1) / (2 * z * z));
        var fourth = Exponential(4) - (4 * Exponential(3)) + (6 * Exponential(2)) - (4 * Exponential(1)) + 1;
        var third = 4 * Math.Sqrt((Math.Exp(1 / (z * z)) - 1) * fourth);
        Assert.Equal(Math.Log(1 + (3 * secondTerm) + (q * q * q * Math.Min(third, 2 * Exponential(3)))), new FixedSizeGaussianMoment(q, z).Log(3), 1e-12);
    }

    [Fact]
    public void Cut_batches_lie_between_uncut_ones_and_twice_the_sensitivity()
    {
        var cut = new RdpCurve(new TruncatedSubsampledGaussianEvent(1000, 0.05, 64, 1)).At(3);

        Assert.InRange(cut, new RdpCurve(new SubsampledGaussianEvent(0.05, 1)).At(3), new RdpCurve(new SubsampledGaussianEvent(0.05, 0.5)).At(3));
        GoldenValues.AssertClose(
            new RdpCurve(new SubsampledGaussianEvent(0.05, 1)).At(3), new RdpCurve(new TruncatedSubsampledGaussianEvent(1000, 0.05, 1001, 1)).At(3), 1e-12);
    }

    /// <summary>By hand: n = 4, q = ½, B = 2: at least two of three others, probability ½.</summary>
    [Fact]
    public void A_batch_is_full_with_the_binomial_probability() =>
        Assert.Equal(0.5, TruncatedBatches.FullProbability(new TruncatedSubsampledGaussianEvent(4, 0.5, 2, 1)), 1e-14);

    [Fact]
    public void A_batch_of_millions_is_full_with_the_binomial_probability_too()
    {
        foreach (var row in GoldenValues.Rows("binomialTail"))
        {
            var probability = TruncatedBatches.FullProbability(new TruncatedSubsampledGaussianEvent((long)row[0] + 1, row[1], (long)row[2], 1));
            GoldenValues.AssertClose(row[3], probability, 2e-12);
        }
    }
}
