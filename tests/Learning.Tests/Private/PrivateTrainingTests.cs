using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Tests.Training;
using FlEvents.Learning.Training;
using static FlEvents.Learning.Tests.Private.PrivateCases;

namespace FlEvents.Learning.Tests.Private;

public sealed class PrivateTrainingTests
{
    private static readonly int[] All = [.. Enumerable.Range(0, 40)];

    public static MatrixTheoryData<string, LossKind> Cases => new(Names, Enum.GetValues<LossKind>());

    [Theory, MemberData(nameof(Cases))]
    public void A_step_is_that_of_clipping_one_example_at_a_time(string name, LossKind loss)
    {
        var model = ModelOf(name, loss);
        var examples = ExamplesOf(model, loss, All.Length);
        TrainingJob NewJob(double clipNorm) => Job(model, examples, Spec(loss), Settings(Batches(All), Silence, clipNorm: clipNorm));
        var naive = new NaivePrivateTraining();
        naive.Train(NewJob(1));
        double[] norms = [.. naive.Norms.Order()];
        Assert.True(norms[30] > 1.05 * norms[10], "Norms hardly differ.");

        // All clipped, half of them, none.
        foreach (var clipNorm in new[] { norms[0] / 10, norms[20], 2 * norms[^1] })
        {
            var expected = naive.Train(NewJob(clipNorm));
            AssertClose(model, expected, Train(NewJob(clipNorm)));
        }
    }

    [Theory, InlineData(OptimizerKind.Sgd, 0), InlineData(OptimizerKind.Sgd, 0.9), InlineData(OptimizerKind.Adam, 0)]
    public void Every_optimizer_steps_on_the_noised_gradient_through_batches_of_every_size(OptimizerKind optimizer, double momentum)
    {
        int[][] batches = [[3, 5, 9], [], [39], All, [], [0, 1, 2, 38]];
        var model = ModelOf("all together", LossKind.CrossEntropy);
        var training = new TrainingSpec { LearningRate = 0.05, Optimizer = optimizer, Momentum = momentum, WeightDecay = 0.01, BatchSize = 7, LocalEpochs = 3 };
        TrainingJob NewJob() => Job(model, ExamplesOf(model, LossKind.CrossEntropy, 40), training, Settings(Batches(batches), Noise("steps"), batches.Length));
        var expected = new NaivePrivateTraining().Train(NewJob());
        var result = new BuiltInEngine().Train(NewJob(), CancellationToken.None);
        AssertClose(model, expected, result.Update);
        Assert.Equal(batches.Length, result.Steps);
        Assert.Null(result.MeanLoss);
    }

    [Fact]
    public void An_example_that_stands_twice_in_a_batch_is_clipped_each_time()
    {
        var model = ModelOf("two linear layers", LossKind.CrossEntropy);
        var examples = ExamplesOf(model, LossKind.CrossEntropy, 40);
        float[] Update(params int[] batch) => Train(Job(model, examples, Spec(LossKind.CrossEntropy), Settings(Batches(batch), Silence, clipNorm: 0.01)));
        AssertClose(model, Array.ConvertAll(Update(3), x => 2 * x), Update(3, 3));
    }

    [Fact]
    public void A_batch_in_parts_gives_the_bits_of_the_sum_of_its_examples_in_order()
    {
        // The workspace holds 16 to 256 examples: other sizes are cut elsewhere. With a clip far below every gradient, equal examples add equal terms, and a
        // multiple of a power of two is exact: 256 copies give 256 times one, however they are cut.
        var model = ModelOf("wider than the workspace", LossKind.CrossEntropy);
        var examples = ExamplesOf(model, LossKind.CrossEntropy, 512);
        float[] Update(int copies) => Train(Job(
            model, examples, Spec(LossKind.CrossEntropy, Math.ScaleB(1, 40)), Settings(Batches([.. Enumerable.Repeat(7, copies)]), Silence, clipNorm: 1e-3)));
        var one = Update(1);
        var many = Update(256);
        Assert.Contains(one, x => x != 0);
        for (var i = 0; i < one.Length; i++)
        {
            // Sums in double leave 2⁻⁴⁵, the float of the gradient 2⁻²⁴ on each side.
            Assert.Equal(256.0 * one[i], many[i], Math.Abs(many[i]) * Math.ScaleB(1, -22));
        }
    }

    [Fact]
    public void The_loss_of_an_example_is_not_averaged_before_its_gradient_is_clipped()
    {
        // One linear output, squared error: g = 2(w·x + b − t)·(x, 1) = −2·(3, 4, 1) for w = 0, b = 0, t = 1; norm 2√26 = 10.198.
        var model = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [2], Outputs = 1 });
        var examples = new Examples([3, 4, 0, 0], 2, null, [1, 0]);
        var job = Job(model, examples, Spec(LossKind.MeanSquaredError, 1), Settings(Batches([0, 1]), Silence, clipNorm: 8)) with { GlobalWeights = new float[3] };
        var scale = 8 / (2 * Math.Sqrt(26)) / (0.25 * 50);
        Assert.Equal([6 * scale, 8 * scale, 2 * scale], Train(job).Select(x => (double)x), (expected, actual) => Math.Abs(expected - actual) < 2e-6 * expected);
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        var model = ModelOf("all together", LossKind.CrossEntropy);
        var examples = ExamplesOf(model, LossKind.CrossEntropy, 40);
        var engine = new BuiltInEngine();
        int[][] batches = [.. Enumerable.Range(0, 60).Select(size => All[..(size % 41)])];
        TrainingJob NewJob(int steps) =>
            Job(model, examples, Spec(LossKind.CrossEntropy, 0.01), Settings(Batches(batches), Silence, steps));
        var (one, many) = (NewJob(1), NewJob(60));

        // One object of the smallest size a step would be 1,416 bytes; what is left of a thread's part of the heap when a large array is allocated counts for
        // a few.
        var more = Allocation.Of(() => engine.Train(many, CancellationToken.None)) - Allocation.Of(() => engine.Train(one, CancellationToken.None));
        Assert.InRange(more, -1000, 1000);
    }

    [Fact]
    public void A_workspace_that_trained_privately_trains_the_next_job_as_a_new_one_does()
    {
        var model = ModelOf("all together", LossKind.CrossEntropy);
        var examples = ExamplesOf(model, LossKind.CrossEntropy, 40);
        var engine = new BuiltInEngine(keep: 1);
        TrainingJob NewJob() => Job(model, examples, Spec(LossKind.CrossEntropy, 0.1), Settings(Batches(All), Noise("again"), 3));
        var first = engine.Train(NewJob(), CancellationToken.None).Update;
        var plain = NewJob() with { Private = null };
        Assert.NotNull(engine.Train(plain, CancellationToken.None).MeanLoss);
        Assert.Equal(first, engine.Train(NewJob(), CancellationToken.None).Update);
        Assert.Throws<OperationCanceledException>(() => engine.Train(NewJob(), new CancellationToken(canceled: true)));
        Assert.Equal(first, engine.Train(NewJob(), CancellationToken.None).Update);
    }

    [Fact]
    public void Settings_without_a_guarantee_are_refused_with_their_value()
    {
        var model = ModelOf("linear", LossKind.CrossEntropy);
        var good = Settings(Batches(All), Silence);
        void Refused(string text, PrivateTraining settings)
        {
            var job = Job(model, ExamplesOf(model, LossKind.CrossEntropy, 40), Spec(LossKind.CrossEntropy), settings);
            Assert.Contains(text, Assert.Throws<ArgumentException>(() => Train(job)).Message, StringComparison.Ordinal);
        }

        Refused("A sampling rate of 0; expected", good with { SamplingRate = 0 });
        Refused("A sampling rate of 1.5; expected", good with { SamplingRate = 1.5 });
        Refused("A sampling rate of NaN; expected", good with { SamplingRate = double.NaN });
        Refused("0 private steps; expected", good with { Steps = 0 });
        Refused("A clipping norm of 0; expected", good with { ClipNorm = 0 });
        Refused("A clipping norm of NaN; expected", good with { ClipNorm = double.NaN });
        Refused("A noise multiplier of 0; expected", good with { NoiseMultiplier = 0 });
        Refused("A noise multiplier of Infinity; expected", good with { NoiseMultiplier = double.PositiveInfinity });
        Refused("0 declared examples; expected", good with { DeclaredExamples = 0 });
    }

    [Fact]
    public void A_kind_of_layer_is_refused_until_it_is_known_to_keep_examples_apart()
    {
        Assert.Contains("A layer of kind 99 can't be trained with example-level privacy", PrivateTraining.Refusal((LayerKind)99), StringComparison.Ordinal);
        Assert.All(Enum.GetValues<LayerKind>(), kind => Assert.Null(PrivateTraining.Refusal(kind)));
    }

    private static float[] Train(TrainingJob job) => new BuiltInEngine().Train(job, CancellationToken.None).Update;
}
