using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.DifferentialPrivacy.Tests.Plans;

/// <summary>Which noise multiplier over which sensitivity reaches the accountant, in each mode and unit.</summary>
public class PrivacyPlanTests
{
    private static readonly RunSpec Run = new()
    {
        Name = "plan",
        Rounds = 3,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [4], Outputs = 2 },
        Data = new DataSpec { DataSet = "plants" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 10, LocalEpochs = 2 },
        Selection = new SelectionSpec { Count = 4 },
    };

    private static readonly ExamplePrivacySpec Example = new() { ClipNorm = 3, NoiseMultiplier = 1.1 };
    private static readonly LocalPrivacySpec Local = new() { ClipNorm = 2, NoiseMultiplier = 5 };
    private static readonly CentralPrivacySpec Central = new() { ClipNorm = 2, NoiseMultiplier = 0.8, NoiseDecay = 0.5 };

    [Theory]
    [InlineData(PrivacyMode.None, null, null)]
    [InlineData(PrivacyMode.Example, 1.1, null)]
    [InlineData(PrivacyMode.Local, 2.5, 2.5)]
    [InlineData(PrivacyMode.Central, 0.4, 0.8)]
    [InlineData(PrivacyMode.ExampleCentral, 1.1, 0.8)]
    [InlineData(PrivacyMode.LocalCentral, 2.5, 2.5)]
    public void Each_mode_charges_both_units_with_its_noise_over_its_sensitivity(PrivacyMode mode, double? example, double? client)
    {
        var charges = PrivacyPlan.Charges(Of(mode), declaredExamples: 35, round: 1);
        Assert.Equal([PrivacyUnit.Example, PrivacyUnit.Client], charges.Select(charge => charge.Unit));
        Assert.Equal([example, client], charges.Select(charge => charge.NoiseMultiplier));
        Assert.All(charges, charge => Assert.Equal(charge.NoiseMultiplier is null, charge.Mechanism == PrivacyMechanism.Unbounded));
        Assert.Equal(mode is PrivacyMode.Example or PrivacyMode.ExampleCentral, charges[0].Mechanism == PrivacyMechanism.SubsampledGaussian);
    }

    [Fact]
    public void Noise_of_the_sum_that_decays_is_charged_round_by_round()
    {
        var client = Enumerable.Range(1, 3).Select(round => PrivacyPlan.Charges(Of(PrivacyMode.Central), 35, round)[1].NoiseMultiplier!.Value);
        Assert.Equal([0.8, 0.4, 0.2], client.Select(z => Math.Round(z, 12)));
    }

    [Theory]
    [InlineData(PrivacyMode.Example, 0)]
    [InlineData(PrivacyMode.Local, 1)]
    public void A_client_with_more_examples_has_its_own_noise_and_is_charged_for_it(PrivacyMode mode, int unit)
    {
        IReadOnlyList<ClientNoiseSpec> steps = [new() { Examples = 50, NoiseMultiplier = 0.9 }, new() { Examples = 100, NoiseMultiplier = 0.6 }];
        var run = Of(mode) with
        {
            Privacy = Of(mode).Privacy with
            {
                Example = mode == PrivacyMode.Example ? Example with { NoiseByExamples = steps, NoiseDecay = 0.5 } : null,
                Local = mode == PrivacyMode.Local ? Local with { NoiseByExamples = steps, NoiseDecay = 0.5 } : null,
            },
        };
        var sensitivity = mode == PrivacyMode.Local ? 2 : 1;
        var first = mode == PrivacyMode.Local ? 5 : 1.1;
        foreach (var (examples, z) in new[] { (49, first), (50, 0.9), (99, 0.9), (100, 0.6), (5000, 0.6) })
        {
            foreach (var round in new[] { 1, 3 })
            {
                var expected = z * Math.Pow(0.5, round - 1);
                var task = PrivacyPlan.TaskOf(run, examples, round)!;
                Assert.Equal(expected, task.DpSgd?.NoiseMultiplier ?? task.NoiseMultiplier!.Value, 12);
                Assert.Equal(expected / sensitivity, PrivacyPlan.Charges(run, examples, round)[unit].NoiseMultiplier!.Value, 12);
            }
        }
    }

    [Fact]
    public void Where_the_clipping_norm_adapts_clients_clip_to_the_largest_and_the_charge_is_that_of_a_fixed_one()
    {
        var fixedNorm = Of(PrivacyMode.Central);
        var run = fixedNorm with
        {
            Privacy = fixedNorm.Privacy with { Central = Central with { Adaptive = new AdaptiveClippingSpec { SmallestNorm = 0.1, LargestNorm = 7 } } },
        };
        Assert.Equal(7, PrivacyPlan.TaskOf(run, 35, round: 2)!.ClipNorm);
        Assert.Equal(PrivacyPlan.Charges(fixedNorm, 35, 2), PrivacyPlan.Charges(run, 35, 2));
        Assert.Equal(1.6, PrivacyPlan.CountNoise(run));
        Assert.Null(PrivacyPlan.CountNoise(fixedNorm));
    }

    [Theory]
    [InlineData(35, 10, 2, 10.0 / 35, 7)]
    [InlineData(40, 10, 2, 0.25, 8)]
    [InlineData(41, 10, 1, 10.0 / 41, 5)]
    [InlineData(10, 10, 3, 1.0, 3)]
    [InlineData(7, 10, 3, 1.0, 3)]
    [InlineData(2_000_000_000, 1, 1000, 1.0 / 2_000_000_000, 2_000_000_000_000)]
    public void A_batch_size_and_epochs_become_a_rate_and_whole_steps(int examples, int batch, int epochs, double rate, long steps)
    {
        var sampling = PrivacyPlan.Sampling(Run.Training with { BatchSize = batch, LocalEpochs = epochs }, examples);
        Assert.Equal((rate, steps), sampling);
    }

    [Fact]
    public void A_task_carries_what_its_worker_clips_and_noises_and_nothing_of_the_sum()
    {
        Assert.Null(PrivacyPlan.TaskOf(Of(PrivacyMode.None), 35, round: 1));
        Assert.Equal(new TaskPrivacy { DpSgd = null, ClipNorm = 2, NoiseMultiplier = null }, PrivacyPlan.TaskOf(Of(PrivacyMode.Central), 35, round: 1));
        Assert.Equal(new TaskPrivacy { DpSgd = null, ClipNorm = 2, NoiseMultiplier = 5 }, PrivacyPlan.TaskOf(Of(PrivacyMode.LocalCentral), 35, round: 1));
        var dpSgd = new DpSgdTask { SamplingProbability = 10.0 / 35, Steps = 7, ClipNorm = 3, NoiseMultiplier = 1.1, DeclaredExamples = 35 };
        Assert.Equal(new TaskPrivacy { DpSgd = dpSgd, ClipNorm = null, NoiseMultiplier = null }, PrivacyPlan.TaskOf(Of(PrivacyMode.Example), 35, round: 1));
    }

    private static RunSpec Of(PrivacyMode mode)
    {
        var privacy = new PrivacySpec { Mode = mode };
        return Run with
        {
            Privacy = privacy with
            {
                Example = privacy.HasExample ? Example : null,
                Local = privacy.HasLocal ? Local : null,
                Central = privacy.HasCentral ? Central : null,
            },
        };
    }
}
