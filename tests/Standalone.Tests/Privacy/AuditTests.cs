using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Auditing;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Models;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing.Noise;

namespace FlEvents.Standalone.Tests.Privacy;

/// <summary>Audits at the command's own 0.999, of settings that are far from the edge on both sides.</summary>
/// <remarks>
/// A sound build with these settings is accused far more rarely than the theorem allows: at z = 3 the 186 most extreme canaries of 6,000 would have to be guessed
/// with 173 right where 7 of 10 are expected, which Chernoff bounds by e⁻³⁰, and larger numbers of guesses more rarely still.
/// </remarks>
public class AuditTests
{
    private const int Canaries = 6000;
    private const double Confidence = 0.999;
    private const double NearCertainty = 1 - 1e-9;
    private const int Declared = 400;

    private static readonly CryptographicNoise Sound = new();

    public static TheoryData<PrivacyMode> Modes =>
        [PrivacyMode.Example, PrivacyMode.Local, PrivacyMode.Central, PrivacyMode.ExampleCentral, PrivacyMode.LocalCentral];

    [Theory, MemberData(nameof(Modes))]
    public void A_sound_build_is_consistent_in_every_mode(PrivacyMode mode)
    {
        var report = Audit.Run(Noised(mode), Declared, Canaries, Confidence, Sound, threads: 2);

        Assert.All(report.Mechanisms, result => Assert.Equal(AuditVerdict.Consistent, result.Verdict));
        Assert.Equal(mode == PrivacyMode.ExampleCentral ? 2 : 1, report.Mechanisms.Count);
    }

    [Theory, MemberData(nameof(Modes))]
    public void A_quarter_of_the_noise_is_caught_in_every_mode(PrivacyMode mode)
    {
        var report = Audit.Run(Noised(mode), Declared, Canaries, Confidence, new WeakenedNoise(4), threads: 2);

        Assert.All(report.Mechanisms, result => Assert.Equal(AuditVerdict.Broken, result.Verdict));
    }

    [Fact]
    public void Noise_that_is_divided_by_the_cohort_twice_is_caught()
    {
        // Divided once more than the release itself divides sum and noise.
        var report = Audit.Run(Noised(PrivacyMode.Central), Declared, Canaries, Confidence, new WeakenedNoise(10), threads: 2);

        Assert.Equal(10, Noised(PrivacyMode.Central).Run.Selection.Count);
        Assert.True(report.IsBroken, $"{report.Mechanisms[0]}");
    }

    [Fact]
    public void A_central_release_that_does_not_clip_is_caught() => AssertUnclippedIsCaught(
        PrivacyMode.Central, (run, included, norm) => AuditCanaries.Central(run, included, norm, Sound, threads: 2));

    [Fact]
    public void A_local_release_that_does_not_clip_is_caught() => AssertUnclippedIsCaught(
        PrivacyMode.Local, (run, included, norm) => AuditCanaries.Local(run.Privacy.Local!, Model.Create(run.Model).ParameterCount, included, norm, Sound));

    [Fact]
    public void Steps_that_do_not_clip_their_gradients_are_caught() => AssertUnclippedIsCaught(
        PrivacyMode.Example, (run, included, norm) => AuditCanaries.Example(PrivacyPlan.TaskOf(run, Declared, round: 1)!.DpSgd!, included, norm, Sound));

    [Fact]
    public void Batches_that_hold_every_example_are_caught_where_sampling_was_charged()
    {
        var file = Noised(PrivacyMode.Example);
        file = file with { Run = file.Run with { Training = file.Run.Training with { BatchSize = 40, LocalEpochs = 2 } } };

        // The ledger's ε is so small here that luck could reach it.
        Assert.False(Audit.Run(file, Declared, Canaries, NearCertainty, Sound, threads: 1).IsBroken);
        Assert.True(Audit.Run(file, Declared, Canaries, Confidence, new WholeBatches(), threads: 1).IsBroken);
    }

    [Fact]
    public void What_the_ledger_charges_is_what_the_plan_says()
    {
        var run = Noised(PrivacyMode.Example).Run;
        var claim = Assert.Single(AuditClaim.Of(run, new SimulationBudgets(), Declared));
        var local = Assert.Single(AuditClaim.Of(Noised(PrivacyMode.LocalCentral).Run, new SimulationBudgets { Client = new SimulationBudget { Epsilon = 3, Delta = 1e-6 } }, 1));

        Assert.Equal((PrivacyUnit.Example, 0.8, 5L), (claim.Charge.Unit, claim.Charge.SamplingProbability, claim.Charge.Steps));
        Assert.Equal(1e-5, claim.Budget.Delta);
        Assert.Equal((PrivacyUnit.Client, 3.0, 1e-6), (local.Charge.Unit, local.Charge.NoiseMultiplier, local.Budget.Delta));
        // The filter knows one order; the curve is exact, so it is below.
        Assert.InRange(local.PldEpsilon(1e-6)!.Value, 0.7 * local.FilterEpsilon(1e-6), local.FilterEpsilon(1e-6));
    }

    [Fact]
    public void With_too_little_noise_for_so_many_canaries_the_audit_says_that_it_is_blind()
    {
        var file = Noised(PrivacyMode.Central);
        var central = new CentralPrivacySpec { ClipNorm = 1, NoiseMultiplier = 0.3 };

        var report = Audit.Run(file with { Run = file.Run with { Privacy = file.Run.Privacy with { Central = central } } }, 1, 1000, Confidence, Sound, threads: 2);

        Assert.Equal(AuditVerdict.Blind, Assert.Single(report.Mechanisms).Verdict);
        Assert.True(report.Mechanisms[0].ControlEpsilon <= report.Mechanisms[0].EpsilonUpperBound);
        Assert.False(report.IsBroken);
    }

    [Fact]
    public void What_can_not_be_audited_is_refused_with_the_reason()
    {
        var file = Noised(PrivacyMode.Central);

        Assert.Equal(
            "The model has 6010 parameters, and 6011 canaries need as many to be orthogonal; expected --canaries 6010 or fewer, or a larger model.",
            Audit.Refusal(file.Run, 6_011));
        Assert.Contains("nothing to audit", Audit.Refusal(file.Run with { Privacy = new PrivacySpec() }, 1000), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Audit.Run(file, 1, 6_011, Confidence, Sound, threads: 1));
        Assert.Null(Audit.Refusal(Noised(PrivacyMode.Local).Run, 6_011));
    }

    [Fact]
    public void The_text_names_the_verdict_and_both_bounds()
    {
        var output = new StringWriter();
        AuditText.Write(output, Audit.Run(Noised(PrivacyMode.Local), 1, Canaries, Confidence, new WeakenedNoise(8), threads: 1));

        var text = output.ToString();
        Assert.StartsWith("audited: audit of privacy mode local, confidence 0.999", text, StringComparison.Ordinal);
        Assert.Contains("canaries     6,000", text, StringComparison.Ordinal);
        Assert.Contains("BROKEN", text, StringComparison.Ordinal);
    }

    /// <summary>A build without clipping is one whose C is out of reach and whose σ is the same.</summary>
    private static void AssertUnclippedIsCaught(PrivacyMode mode, Func<RunSpec, bool[], double, double[]> scores)
    {
        const double Factor = AuditCanaries.Oversize;
        var (run, privacy) = (Noised(mode).Run, Noised(mode).Run.Privacy);
        var unclipped = run with
        {
            Privacy = privacy with
            {
                Example = privacy.Example is { } example ? example with { ClipNorm = Factor * example.ClipNorm, NoiseMultiplier = example.NoiseMultiplier / Factor } : null,
                Local = privacy.Local is { } local ? local with { ClipNorm = Factor * local.ClipNorm, NoiseMultiplier = local.NoiseMultiplier / Factor } : null,
                Central = privacy.Central is { } central ? central with { ClipNorm = Factor * central.ClipNorm, NoiseMultiplier = central.NoiseMultiplier / Factor } : null,
            },
        };
        var claim = Assert.Single(AuditClaim.Of(run, new SimulationBudgets(), Declared));
        var included = CanaryVectors.Coins(Canaries, System.Security.Cryptography.RandomNumberGenerator.Fill);

        var control = scores(Audit.Control(run), included, Factor * claim.ClipNorm);

        var caught = Audit.Judge(claim, included, scores(unclipped, included, Factor * claim.ClipNorm), control, Confidence);
        var sound = Audit.Judge(claim, included, scores(run, included, Factor * claim.ClipNorm), control, Confidence);

        Assert.True(caught.Verdict == AuditVerdict.Broken, $"{caught}");
        Assert.True(sound.Verdict != AuditVerdict.Broken, $"{sound}");
    }

    /// <summary>A run with an effective noise multiplier near 3 in every mode, and a model of 6,010 parameters where canaries share a release.</summary>
    private static RunFile Noised(PrivacyMode mode)
    {
        var privacy = new PrivacySpec { Mode = mode };
        return new RunFile
        {
            Run = new RunSpec
            {
                Name = "audited",
                Rounds = 1,
                Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [privacy.HasLocal ? 40 : 600], Outputs = 10 },
                Data = new DataSpec { DataSet = "none" },
                Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 320, LocalEpochs = 4 },
                Selection = new SelectionSpec { Count = 10 },
                Privacy = privacy with
                {
                    Example = privacy.HasExample ? new ExamplePrivacySpec { ClipNorm = 0.7, NoiseMultiplier = 6 } : null,
                    Local = privacy.HasLocal ? new LocalPrivacySpec { ClipNorm = 0.5, NoiseMultiplier = 6 } : null,
                    Central = privacy.HasCentral ? new CentralPrivacySpec { ClipNorm = 0.5, NoiseMultiplier = 3 } : null,
                },
            },
            Simulation = new SimulationSpec { Data = new Dictionary<string, Learning.Data.DataSource>(), Clients = 10 },
        };
    }

    /// <summary>A broken build: all its noise is too small.</summary>
    private sealed class WeakenedNoise(double divisor) : INoiseSource
    {
        public void Gaussian(Span<double> values, double standardDeviation) => Sound.Gaussian(values, standardDeviation / divisor);

        public void Laplace(Span<double> values, double scale) => Sound.Laplace(values, scale / divisor);

        public void DiscreteGaussian(Span<long> values, int log2Sigma)
        {
            Sound.DiscreteGaussian(values, log2Sigma);
            foreach (ref var value in values)
            {
                value = (long)(value / divisor);
            }
        }

        public int PoissonSample(int count, double rate, Span<int> chosen) => Sound.PoissonSample(count, rate, chosen);
    }

    /// <summary>A broken build: nobody is left out of a batch.</summary>
    private sealed class WholeBatches : INoiseSource
    {
        public void Gaussian(Span<double> values, double standardDeviation) => Sound.Gaussian(values, standardDeviation);

        public void Laplace(Span<double> values, double scale) => Sound.Laplace(values, scale);

        public void DiscreteGaussian(Span<long> values, int log2Sigma) => Sound.DiscreteGaussian(values, log2Sigma);

        public int PoissonSample(int count, double rate, Span<int> chosen) => new SilentNoise().PoissonSample(count, rate, chosen);
    }
}
