using System.Globalization;
using System.Text;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Learning.Training;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.Testing;
using FlEvents.Testing.Noise;

namespace FlEvents.ClientWorker.Tests.Privacy;

/// <summary>What ties an uploaded update to the claims of the modes example and local: through the real consumers, with data of every size.</summary>
public abstract class ReleasedUpdateTests : IAsyncDisposable
{
    private const double ClipNorm = 0.5;
    private const double NoiseMultiplier = 1.5;
    private const int Rows = 12;

    private static readonly ModelSpec Small = new() { Name = ModelName.Logistic, InputShape = [3], Outputs = 2 };

    private readonly TemporaryFolder _folder = new();

    public virtual ValueTask DisposeAsync()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>A part of a broker that nobody else uses; null for the in-memory bus.</summary>
    protected abstract Task<string?> NewBrokerUrlAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task One_example_more_or_less_moves_a_step_without_its_noise_by_at_most_the_clipping_norm_over_qn(ulong seed)
    {
        // Half of what the worker is told it declared is in the data: the divisor must not follow the data.
        var table = Table(seed);
        var task = Example(steps: 1) with { SamplingProbability = 0.75, DeclaredExamples = 2 * Rows };
        var with = await OnTableAsync("with", table, new TaskPrivacy { DpSgd = task, ClipNorm = null, NoiseMultiplier = null });
        var removed = (int)(seed % Rows);
        var without = await OnTableAsync("without", [.. table.Where((_, row) => row != removed)], new TaskPrivacy { DpSgd = task, ClipNorm = null, NoiseMultiplier = null });

        // The learning rate is 1. Floats round the weights and the update.
        Assert.InRange(Distance(with, without), 0, (ClipNorm / (task.SamplingProbability * task.DeclaredExamples)) + 1e-6);
        Assert.True(Norm(with) > 0, "Nothing was trained.");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task An_update_without_its_noise_is_no_longer_than_the_clipping_norm(ulong seed)
    {
        var local = new TaskPrivacy { DpSgd = null, ClipNorm = ClipNorm, NoiseMultiplier = NoiseMultiplier };
        var update = await OnTableAsync("local", Table(seed), local);
        Assert.InRange(Norm(update), 0.01 * ClipNorm, ClipNorm);
    }

    [Fact]
    public async Task The_noise_of_an_uploaded_update_has_the_variance_that_was_charged()
    {
        var update = await OnDigitsAsync(
            "local", new CryptographicNoise(), new TaskPrivacy { DpSgd = null, ClipNorm = ClipNorm, NoiseMultiplier = NoiseMultiplier }, new NoTraining());
        AssertVariance(update, Math.Pow(NoiseMultiplier * ClipNorm, 2));
    }

    [Fact]
    public async Task The_noise_of_private_training_has_the_variance_that_was_charged_for_each_step()
    {
        var task = Example(steps: 3);
        var update = await OnDigitsAsync("example", new NobodySampled(), new TaskPrivacy { DpSgd = task, ClipNorm = null, NoiseMultiplier = null });
        AssertVariance(update, task.Steps * Math.Pow(NoiseMultiplier * ClipNorm / (task.SamplingProbability * task.DeclaredExamples), 2));
    }

    [Fact]
    public async Task The_batches_of_private_training_do_not_follow_from_the_seed()
    {
        var privacy = new TaskPrivacy { DpSgd = Example(steps: 40), ClipNorm = null, NoiseMultiplier = null };
        var first = await OnDigitsAsync("first", new OnlySampling(), privacy);
        Assert.NotEqual(first, await OnDigitsAsync("second", new OnlySampling(), privacy));
    }

    [Fact]
    public async Task The_noise_of_an_update_is_not_used_again_for_the_next()
    {
        var privacy = new TaskPrivacy { DpSgd = null, ClipNorm = ClipNorm, NoiseMultiplier = NoiseMultiplier };
        var sink = new MemorySink();
        var engine = new NoTraining();
        await using var worker = await StartAsync("rounds", sink, new CryptographicNoise(), engine);
        var first = await UpdateOfAsync(worker, sink, Commands.Train("ward-000000") with { Privacy = privacy });
        var second = await UpdateOfAsync(worker, sink, Commands.Train("ward-000000", round: 2) with { Privacy = privacy });

        // Of independent noise the correlation leaves these bounds with a probability below 10⁻⁹.
        var (product, variance) = (first.Zip(second, (x, y) => (double)x * y).Sum(), first.Sum(x => (double)x * x));
        Assert.InRange(product / variance, -6.5 / Math.Sqrt(first.Length), 6.5 / Math.Sqrt(first.Length));
    }

    private static DpSgdTask Example(long steps) => new()
    {
        SamplingProbability = 0.5, Steps = steps, ClipNorm = ClipNorm, NoiseMultiplier = NoiseMultiplier, DeclaredExamples = Rows,
    };

    /// <summary>Lines of numbers from 10⁻³ to 10³ and labels.</summary>
    private static string[] Table(ulong seed)
    {
        var random = new SeededNoise(seed);
        return [.. Enumerable.Range(0, Rows).Select(row =>
        {
            var (values, scale) = (random.Uniform(3), Math.Pow(10, 3 * random.Uniform(1)[0]));
            return string.Join(',', values.Select(value => (value * scale).ToString("R", CultureInfo.InvariantCulture)).Append(row % 2 == 0 ? "no" : "yes"));
        })];
    }

    /// <summary>The update of a client who has these rows, without noise and with all rows in every batch.</summary>
    private async Task<float[]> OnTableAsync(string name, string[] rows, TaskPrivacy privacy)
    {
        var path = _folder.File($"{name}.csv");
        await File.WriteAllTextAsync(path, string.Join('\n', rows.Prepend("a,b,c,label")), Encoding.UTF8);
        var (sink, baseModel) = (new MemorySink(), Commands.ModelBytes(Small));
        var models = new BlobFolder(_folder.File(name, "models"), synced: false);
        models.Publish(models.Stage(baseModel));
        await using var worker = await StartAsync(
            name,
            sink,
            new SilentNoise(),
            engine: null,
            ("ClientWorker:Clients", "1"),
            ("ClientWorker:DataSets:rows:Kind", "csv"),
            ("ClientWorker:DataSets:rows:Path", path));
        return await UpdateOfAsync(worker, sink, Commands.Train("ward-000000") with
        {
            BaseModel = Commands.RefOf(baseModel),
            Model = Small,
            Data = new DataSpec
            {
                DataSet = "rows",
                Columns = [.. new[] { "a", "b", "c" }.Select(column => new ColumnSpec { Name = column, Kind = ColumnKind.Numeric })],
                Label = new LabelSpec { Name = "label", Classes = ["no", "yes"] },
            },
            Training = new TrainingSpec { LearningRate = 1, BatchSize = Rows },
            Privacy = privacy,
        });
    }

    private async Task<float[]> OnDigitsAsync(string name, INoiseSource noise, TaskPrivacy privacy, ITrainingEngine? engine = null)
    {
        var sink = new MemorySink();
        await using var worker = await StartAsync(name, sink, noise, engine);
        return await UpdateOfAsync(worker, sink, Commands.Train("ward-000000") with { Training = new TrainingSpec { LearningRate = 1, BatchSize = 6 }, Privacy = privacy });
    }

    private async Task<WorkerHost> StartAsync(
        string name, IUpdateSink sink, INoiseSource noise, ITrainingEngine? engine, params (string Key, string Value)[] settings)
    {
        (string, string)[] broker = await NewBrokerUrlAsync() is { } url ? [("Bus:Transport", "RabbitMq"), ("Bus:RabbitMqUrl", url)] : [];
        return await WorkerHost.StartAsync(_folder.File(name), sink, engine, noise, [.. broker, .. settings]);
    }

    private static async Task<float[]> UpdateOfAsync(WorkerHost worker, MemorySink sink, TrainClient command)
    {
        await worker.SendAsync(command);
        var submitted = await worker.NextAsync<UpdateSubmitted>(update => update.ReservationId == command.ReservationId);
        using var bytes = new MemoryStream(sink.Updates[submitted.ReservationId]);
        return SafetensorsHeader.Read(bytes, bytes.Length).ReadWeights(bytes, Model.Create(command.Model).Layout);
    }

    // The sum of squares leaves these bounds with a probability below 10⁻⁹ (normal approximation of χ², 6.5 standard deviations).
    private static void AssertVariance(float[] noise, double expected)
    {
        var spread = 6.5 * Math.Sqrt(2.0 / noise.Length);
        Assert.InRange(noise.Sum(value => (double)value * value) / noise.Length / expected, 1 - spread, 1 + spread);
        Assert.InRange(noise.Average(value => (double)value) / Math.Sqrt(expected / noise.Length), -6.5, 6.5);
    }

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));

    private static double Distance(float[] one, float[] other) => Math.Sqrt(one.Zip(other, (x, y) => ((double)x - y) * ((double)x - y)).Sum());

    /// <summary>Learns nothing: every update is zero before it is noised.</summary>
    private sealed class NoTraining : ITrainingEngine
    {
        public TrainingResult Train(TrainingJob job, CancellationToken cancellation) => new(new float[job.Model.ParameterCount], null, 1);
    }

    /// <summary>Real noise on batches that are all empty.</summary>
    private sealed class NobodySampled : INoiseSource
    {
        private readonly CryptographicNoise _noise = new();

        public void Gaussian(Span<double> values, double standardDeviation) => _noise.Gaussian(values, standardDeviation);

        public void Laplace(Span<double> values, double scale) => _noise.Laplace(values, scale);

        public void DiscreteGaussian(Span<long> values, int log2Sigma) => _noise.DiscreteGaussian(values, log2Sigma);

        public int PoissonSample(int count, double rate, Span<int> chosen) => 0;
    }

    /// <summary>Real batches without noise.</summary>
    private sealed class OnlySampling : INoiseSource
    {
        private readonly CryptographicNoise _noise = new();

        public void Gaussian(Span<double> values, double standardDeviation) => values.Clear();

        public void Laplace(Span<double> values, double scale) => values.Clear();

        public void DiscreteGaussian(Span<long> values, int log2Sigma) => values.Clear();

        public int PoissonSample(int count, double rate, Span<int> chosen) => _noise.PoissonSample(count, rate, chosen);
    }
}
