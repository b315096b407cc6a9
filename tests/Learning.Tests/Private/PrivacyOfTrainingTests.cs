using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Tests.Layers;
using FlEvents.Learning.Training;
using static FlEvents.Learning.Tests.Private.PrivateCases;

namespace FlEvents.Learning.Tests.Private;

/// <summary>What ties private training to what the accountant is told: the sensitivity, the noise, the number of steps.</summary>
public sealed class PrivacyOfTrainingTests
{
    private const double ClipNorm = 0.8;

    public static MatrixTheoryData<string, LossKind> Cases => new(Names, Enum.GetValues<LossKind>());

    [Theory, MemberData(nameof(Cases))]
    public void One_example_moves_the_sum_by_at_most_C(string name, LossKind loss)
    {
        const double LearningRate = 1024;
        var model = ModelOf(name, loss);
        var examples = Hostile(model, loss);
        int[] all = [.. Enumerable.Range(0, examples.Count)];
        float[] Update(int[] batch) => Train(Job(model, examples, Spec(loss, LearningRate), Settings(Batches(batch), Silence, clipNorm: ClipNorm)));
        var with = Update(all);
        Assert.All(with, value => Assert.True(float.IsFinite(value)));
        var bound = LearningRate * ClipNorm / (0.25 * 50);
        var largest = 0.0;
        foreach (var removed in all)
        {
            var without = Update([.. all.Where(example => example != removed)]);
            var moved = Math.Sqrt(with.Zip(without, (x, y) => ((double)x - y) * ((double)x - y)).Sum());
            largest = Math.Max(largest, moved);

            // Gradient, weights and update are floats: three roundings of 2⁻²⁴ of at most eleven bounds on each side.
            Assert.True(moved <= bound * (1 + (66 * Math.ScaleB(1, -24))), $"Example {removed} moves the sum by {moved / bound} C.");
        }

        Assert.InRange(largest, 0.99 * bound, 1.01 * bound);
    }

    [Fact]
    public void An_example_without_a_finite_gradient_adds_nothing_and_disturbs_no_other()
    {
        var loss = LossKind.CrossEntropy;
        foreach (var name in Names)
        {
            var model = ModelOf(name, loss);
            var examples = Hostile(model, loss);
            float[] Update(params int[] batch) => Train(Job(model, examples, Spec(loss), Settings(Batches(batch), Silence, clipNorm: ClipNorm)));
            Assert.Equal(Update(0, 1, 2), Update(8, 0, 9, 1, 2, 8));
            Assert.All(Update(8), value => Assert.Equal(0, value));
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void The_noise_of_a_step_without_gradients_has_deviation_z_C_over_q_n(bool isEmpty)
    {
        // Weights of 0 put out 0, which is the target: every gradient is 0.
        const int Count = 30;
        var model = Model.Create(new ModelSpec { Name = ModelName.Mlp, Hidden = [500], InputShape = [500], Outputs = 1 });
        var examples = new Examples(LayerCases.Random("zero", Count * 500), 500, null, new float[Count]);
        var settings = new PrivateTraining
        {
            SamplingRate = 0.4,
            Steps = 1,
            ClipNorm = ClipNorm,
            NoiseMultiplier = 1.5,
            DeclaredExamples = 20,
            DrawBatch = isEmpty ? (_, _, _) => 0 : Source.PoissonSample,
            FillNoise = Source.Gaussian,
        };
        var job = Job(model, examples, Spec(LossKind.MeanSquaredError, 1), settings) with { GlobalWeights = new float[model.ParameterCount] };
        AssertVariance(Train(job), Math.Pow(1.5 * ClipNorm / (0.4 * 20), 2));
    }

    [Fact]
    public void Each_of_S_steps_adds_noise_of_its_own()
    {
        const int Steps = 9;
        var model = Model.Create(new ModelSpec { Name = ModelName.Mlp, Hidden = [300], InputShape = [300], Outputs = 1 });
        var examples = new Examples(new float[300], 300, null, [0]);
        var drawn = 0;
        var settings = Settings((_, _, _) => 0, Source.Gaussian, Steps) with
        {
            DrawBatch = (count, rate, _) =>
            {
                drawn += count == 1 && rate == 0.25 ? 1 : 0;
                return 0;
            },
        };
        var job = Job(model, examples, Spec(LossKind.MeanSquaredError, 1), settings) with { GlobalWeights = new float[model.ParameterCount] };
        AssertVariance(Train(job), Steps * Math.Pow(0.7 * 1 / (0.25 * 50), 2));
        Assert.Equal(Steps, drawn);
    }

    [Fact]
    public void The_same_job_twice_gives_two_updates()
    {
        var model = ModelOf("linear", LossKind.CrossEntropy);
        var examples = ExamplesOf(model, LossKind.CrossEntropy, 40);
        var job = Job(model, examples, Spec(LossKind.CrossEntropy, 0.1), Settings(Source.PoissonSample, Source.Gaussian, 2));
        var engine = new BuiltInEngine();
        Assert.NotEqual(engine.Train(job, CancellationToken.None).Update, engine.Train(job, CancellationToken.None).Update);
    }

    private static CryptographicNoise Source { get; } = new();

    private static float[] Train(TrainingJob job) => new BuiltInEngine().Train(job, CancellationToken.None).Update;

    /// <summary>Ten examples: ordinary ones, all zeros, inputs of 10¹⁵ and of 10³⁵, one infinite and one NaN.</summary>
    private static Examples Hostile(Model model, LossKind loss)
    {
        const int Count = 10;
        var inputs = LayerCases.Random("hostile", Count * model.InputSize);
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = (i / model.InputSize) switch
            {
                5 => 0,
                6 => inputs[i] * 1e15f,
                7 => inputs[i] * 1e35f,
                8 => float.PositiveInfinity,
                9 => i % model.InputSize == 1 ? float.NaN : inputs[i],
                _ => inputs[i] * 2,
            };
        }

        return loss == LossKind.MeanSquaredError
            ? new Examples(inputs, model.InputSize, null, [.. Enumerable.Range(0, Count).Select(i => 3f - i)])
            : new Examples(inputs, model.InputSize, [.. Enumerable.Range(0, Count).Select(i => i % Math.Max(2, model.Outputs))], null);
    }

    /// <summary>The mean of n squares of normal values is within 6.5·√(2/n) of the variance but for a probability of 10⁻¹⁰.</summary>
    private static void AssertVariance(float[] values, double variance)
    {
        var measured = values.Sum(value => (double)value * value) / values.Length;
        Assert.InRange(measured / variance, 1 - (6.5 * Math.Sqrt(2.0 / values.Length)), 1 + (6.5 * Math.Sqrt(2.0 / values.Length)));
        var neighbours = values.Skip(1).Zip(values, (x, y) => (double)x * y).Sum() / values.Length;
        Assert.InRange(neighbours / variance, -6.5 / Math.Sqrt(values.Length), 6.5 / Math.Sqrt(values.Length));
    }
}
