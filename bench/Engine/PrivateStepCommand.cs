using System.CommandLine;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Training;
using static FlEvents.Bench.Engine.EngineCommand;

namespace FlEvents.Bench.Engine;

/// <summary><c>private-step</c>: a step of DP-SGD beside a plain one on batches of the same expected size, on one thread.</summary>
public static class PrivateStepCommand
{
    private const int Batch = 256;
    private const int Steps = 10;

    private static readonly (string Name, ModelSpec Spec)[] Models =
    [
        ("mlp 784-128-10", new ModelSpec { Name = ModelName.Mlp, Hidden = [128], InputShape = [784], Outputs = 10 }),
        ("cnn", new ModelSpec { Name = ModelName.Cnn, InputShape = [1, 28, 28], Outputs = 10 }),
        ("tanh cnn", new ModelSpec
        {
            InputShape = [1, 28, 28],
            Outputs = 10,
            Layers =
            [
                new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 16, Kernel = 8, Stride = 2, Padding = 3 },
                new LayerSpec { Kind = LayerKind.Tanh },
                new LayerSpec { Kind = LayerKind.MaxPool2d, Kernel = 2, Stride = 1 },
                new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 32, Kernel = 4, Stride = 2 },
                new LayerSpec { Kind = LayerKind.Tanh },
                new LayerSpec { Kind = LayerKind.MaxPool2d, Kernel = 2, Stride = 1 },
                new LayerSpec { Kind = LayerKind.Flatten },
                new LayerSpec { Kind = LayerKind.Linear, Outputs = 32 },
                new LayerSpec { Kind = LayerKind.Tanh },
                new LayerSpec { Kind = LayerKind.Linear, Outputs = 10 },
            ],
        }),
    ];

    public static Command Create()
    {
        var command = new Command("private-step", "Measures a step of DP-SGD beside a plain one, on one thread.");
        command.SetAction((_, _) => Task.FromResult(Execute()));
        return command;
    }

    private static int Execute()
    {
        Write($"{Measurement.Machine}; batch {Batch} (expected, where it is drawn), best of several medians, one thread");
        var images = Images(Batch * Steps);
        var noise = new CryptographicNoise();
        foreach (var (name, spec) in Models)
        {
            var engine = new BuiltInEngine();
            var job = Job(Model.Create(spec), images);
            var silent = job with { Private = Settings(noise.PoissonSample, (values, _) => values.Clear()) };
            var noised = job with { Private = Settings(noise.PoissonSample, noise.Gaussian) };
            var plain = Time(engine, job);
            var clipped = Time(engine, silent);
            var whole = Time(engine, noised);
            Write($"{name}, {job.Model.ParameterCount:N0} parameters: plain {plain * 1e6:0} µs");
            Write($"  private without noise {clipped * 1e6:0} µs, {clipped / plain:0.00} ×; with noise {whole * 1e6:0} µs, {whole / plain:0.00} ×");
        }

        Write($"{Measurement.Machine} at the end");
        return 0;
    }

    /// <summary>Seconds a step.</summary>
    private static double Time(BuiltInEngine engine, TrainingJob job) =>
        Measurement.BestMedian(() => engine.Train(job, CancellationToken.None), warmUps: 12, repetitions: 7, medians: 9) / Steps;

    private static TrainingJob Job(Model model, Examples images) => new()
    {
        Model = model,
        GlobalWeights = model.InitialWeights(1),
        Examples = images,
        Training = new TrainingSpec { LearningRate = 0.01, BatchSize = Batch },
        BatchOrder = SeededRandom.Derive(1, "bench", "batches"),
    };

    private static PrivateTraining Settings(BatchDraw batches, NoiseFill noise) => new()
    {
        SamplingRate = 1.0 / Steps,
        Steps = Steps,
        ClipNorm = 1,
        NoiseMultiplier = 1.1,
        DeclaredExamples = Batch * Steps,
        DrawBatch = batches,
        FillNoise = noise,
    };
}
