using FlEvents.DifferentialPrivacy.Accounting;
using FlEvents.DifferentialPrivacy.Accounting.Pld;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Tests.Accounting;

public sealed class CalibrationTests
{
    /// <summary>pytorch/opacus 1.5.4 get_noise_multiplier on its own orders: 0.810292065144 (vector pub-23).</summary>
    [Fact]
    public void The_smallest_noise_by_Renyi_orders_is_found()
    {
        double[] orders = [.. Enumerable.Range(11, 99).Select(i => i / 10.0), .. Enumerable.Range(12, 52).Select(i => (double)i)];

        var z = Calibration.NoiseMultiplier(z => Epsilon(z), 2.5)!.Value;

        Assert.Equal(0.810292065144, z, 1e-6);
        Assert.True(Epsilon(z) <= 2.5 && Epsilon(z * (1 - 2e-9)) > 2.5);
        double Epsilon(double multiplier) => RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.005, multiplier, 2000), 1e-5, orders).Value;
    }

    [Theory, InlineData(0.01), InlineData(1.0), InlineData(30.0)]
    public void Gaussian_noise_agrees_with_the_analytic_one(double epsilon) => GoldenValues.AssertClose(
        AnalyticGaussian.NoiseMultiplier(epsilon, 1e-6), Calibration.NoiseMultiplier(z => AnalyticGaussian.Epsilon(z, 1e-6), epsilon)!.Value, 2e-9);

    [Fact]
    public void A_guess_near_by_changes_the_work_only()
    {
        var evaluations = 0;

        var z = Calibration.NoiseMultiplier(Counted, 1, 1e-6, near: 3.96)!.Value;

        Assert.InRange(evaluations, 1, 12);
        Assert.Equal(AnalyticGaussian.NoiseMultiplier(1, 5e-6), z, 1e-5);
        double Counted(double multiplier)
        {
            evaluations++;
            return AnalyticGaussian.Epsilon(multiplier, 5e-6);
        }
    }

    [Fact]
    public void An_impossible_target_is_said() => Assert.Null(Calibration.NoiseMultiplier(_ => 3, 2));

    /// <summary>A curve that is a unit in the last place too high, and one that is lost, do not meet the target.</summary>
    [Fact]
    public void What_does_not_meet_the_target_is_not_returned()
    {
        Assert.Null(Calibration.NoiseMultiplier(_ => double.NaN, 2));
        Assert.Null(Calibration.NoiseMultiplier(_ => Math.BitIncrement(2.0), 2));
        var z = Calibration.NoiseMultiplier(z => z < 5 ? double.NaN : 2, 2, 1e-9)!.Value;
        Assert.InRange(z, 5, 5 * (1 + 2e-9));
        Assert.Equal(0, Calibration.Steps(_ => double.NaN, 2));
    }

    [Fact]
    public void The_noise_needed_is_less_by_loss_distributions_than_by_Renyi_orders()
    {
        var byLoss = Calibration.NoiseMultiplier(z => PldAccountant.Epsilon(new SubsampledGaussianEvent(0.02, z, 100), 1e-5).Upper, 2, 1e-4)!.Value;
        var byOrders = Calibration.NoiseMultiplier(z => RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.02, z, 100), 1e-5).Value, 2)!.Value;

        Assert.InRange(byLoss, 0.5, byOrders);
    }

    [Theory, InlineData(0.9), InlineData(2.0), InlineData(9.0)]
    public void The_most_steps_fit_and_one_more_does_not(double target)
    {
        var steps = Calibration.Steps(Epsilon, target);

        Assert.True(Epsilon(steps) <= target && Epsilon(steps + 1) > target);
        static double Epsilon(long steps) => RdpAccountant.Epsilon(new SubsampledGaussianEvent(0.01, 1.1, Math.Max(1, steps)), 1e-5).Value;
    }

    [Fact]
    public void No_steps_fit_where_one_is_too_much() => Assert.Equal(0, Calibration.Steps(_ => 3, 2));
}
