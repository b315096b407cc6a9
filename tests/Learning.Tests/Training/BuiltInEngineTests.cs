using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Tests.Layers;
using FlEvents.Learning.Training;

namespace FlEvents.Learning.Tests.Training;

public sealed class BuiltInEngineTests
{
    private static readonly Model Mlp = Model.Create(new ModelSpec { Name = ModelName.Mlp, InputShape = [8], Hidden = [16], Outputs = 2 });

    [Fact]
    public void Training_learns_to_tell_two_halves_of_a_plane_apart()
    {
        var result = new BuiltInEngine().Train(Job(epochs: 40), CancellationToken.None);
        Assert.True(result.MeanLoss < 0.1, $"The loss ends at {result.MeanLoss}.");
        Assert.Equal(40 * 4, result.Steps);
    }

    [Fact]
    public void The_same_job_gives_the_same_bits_on_a_used_engine_as_on_a_new_one()
    {
        var engine = new BuiltInEngine();
        var first = engine.Train(Job(), CancellationToken.None);
        engine.Train(Job(count: 9, optimizer: OptimizerKind.Adam), CancellationToken.None);
        engine.Train(Job(count: 200, batchSize: 64, momentum: 0.9), CancellationToken.None);
        Assert.Equal(first.Update, engine.Train(Job(), CancellationToken.None).Update);

        var adam = Job(optimizer: OptimizerKind.Adam);
        var fresh = new BuiltInEngine().Train(adam with { BatchOrder = Stream() }, CancellationToken.None).Update;
        Assert.Equal(fresh, engine.Train(adam with { BatchOrder = Stream() }, CancellationToken.None).Update);
    }

    [Fact]
    public async Task Slots_that_share_an_engine_do_not_disturb_each_other()
    {
        var engine = new BuiltInEngine(keep: 2);
        var expected = engine.Train(Job(), CancellationToken.None).Update;
        var results = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => engine.Train(Job(), CancellationToken.None).Update)));
        Assert.All(results, update => Assert.Equal(expected, update));
    }

    [Fact]
    public void Another_stream_gives_other_batches_and_another_update()
    {
        var engine = new BuiltInEngine();
        var other = engine.Train(Job() with { BatchOrder = SeededRandom.Derive(1, "other") }, CancellationToken.None);
        Assert.NotEqual(engine.Train(Job(), CancellationToken.None).Update, other.Update);
    }

    [Fact]
    public void Training_allocates_its_result_and_nothing_for_each_step()
    {
        var engine = new BuiltInEngine();
        var (one, many) = (Job(epochs: 1), Job(epochs: 50));
        var few = Allocation.Of(() => engine.Train(one, CancellationToken.None));
        Assert.Equal(few, Allocation.Of(() => engine.Train(many, CancellationToken.None)));
        Assert.True(few < (Mlp.ParameterCount * sizeof(float)) + 1000, $"{few} bytes.");
    }

    [Fact]
    public void A_cancelled_job_stops_and_leaves_the_engine_usable()
    {
        var engine = new BuiltInEngine();
        Assert.Throws<OperationCanceledException>(() => engine.Train(Job(), new CancellationToken(canceled: true)));
        Assert.Equal(new BuiltInEngine().Train(Job(), CancellationToken.None).Update, engine.Train(Job(), CancellationToken.None).Update);
    }

    [Fact]
    public void Global_weights_are_left_as_they_are()
    {
        var job = Job();
        var before = (float[])job.GlobalWeights.Clone();
        new BuiltInEngine().Train(job, CancellationToken.None);
        Assert.Equal(before, job.GlobalWeights);
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_its_value()
    {
        void Refused(string text, TrainingJob job) => Assert.Contains(
            text, Assert.Throws<ArgumentException>(() => new BuiltInEngine().Train(job, CancellationToken.None)).Message, StringComparison.Ordinal);
        Refused("3 weights", Job() with { GlobalWeights = new float[3] });
        Refused("0 training examples", Job(count: 0));
        Refused("batch size of 0", Job(batchSize: 0));
        var binary = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [8], Outputs = 1 });
        Refused("crossEntropy needs", Job() with { Model = binary, GlobalWeights = new float[9] });
    }

    [Fact]
    public void Batches_cover_every_example_once_an_epoch_and_keep_the_last_shorter_one()
    {
        var batches = BatchOrder.Batches(10, 4, 3, Stream()).ToList();
        Assert.Equal([4, 4, 2, 4, 4, 2, 4, 4, 2], batches.Select(batch => batch.Length));
        for (var epoch = 0; epoch < 3; epoch++)
        {
            Assert.Equal(Enumerable.Range(0, 10), batches.Skip(3 * epoch).Take(3).SelectMany(batch => batch).Order());
        }

        Assert.NotEqual(batches[0], batches[3]);
    }

    private static SeededRandom Stream() => SeededRandom.Derive(1, "batches");

    private static TrainingJob Job(
        int count = 50, int batchSize = 16, int epochs = 2, OptimizerKind optimizer = OptimizerKind.Sgd, double momentum = 0)
    {
        var inputs = LayerCases.Random("inputs", count * 8);
        return new TrainingJob
        {
            Model = Mlp,
            GlobalWeights = Mlp.InitialWeights(4),
            Examples = new Examples(inputs, 8, [.. inputs.Chunk(8).Select(x => x[0] + x[1] > 0 ? 1 : 0)], null),
            Training = new TrainingSpec
            {
                LearningRate = optimizer == OptimizerKind.Adam ? 0.01 : 0.3,
                BatchSize = batchSize,
                LocalEpochs = epochs,
                Optimizer = optimizer,
                Momentum = momentum,
            },
            BatchOrder = Stream(),
        };
    }
}
