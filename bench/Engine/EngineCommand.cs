using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Evaluation;
using FlEvents.Learning.Models;
using FlEvents.Learning.Numerics;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Training;
using FlEvents.Testing;

namespace FlEvents.Bench.Engine;

/// <summary><c>engine</c>: the built-in training engine on one thread, beside plain loops and, where it is installed, PyTorch.</summary>
public static class EngineCommand
{
    private const int Batch = 32;
    private const int Pixels = 784;
    private const int Hidden = 128;
    private const int Classes = 10;
    private const int Steps = 20;
    private const string Python = "/usr/bin/python3";

    private static readonly ModelSpec Mlp = new() { Name = ModelName.Mlp, Hidden = [Hidden], InputShape = [Pixels], Outputs = Classes };
    private static readonly ModelSpec Cnn = new() { Name = ModelName.Cnn, InputShape = [1, 28, 28], Outputs = Classes };
    private static readonly TrainingSpec Training = new() { LearningRate = 0.05, BatchSize = Batch };

    public static Command Create()
    {
        var command = new Command("engine", "Measures the training engine on one thread.");
        command.SetAction((_, _) => Task.FromResult(Execute()));
        return command;
    }

    private static int Execute()
    {
        Write($"{Measurement.Machine}; best of several medians, one thread");
        var peak = FmaPeak.OperationsPerSecond();
        Write($"fused multiply-add on eight lanes, best reached: {peak / 1e9:0.0} GFLOP/s");
        MatrixProducts(peak);
        TrainingStep();
        var images = Images(600);
        var epoch = Measurement.BestMedian(() => Train(Cnn, images), warmUps: 5, repetitions: 5);
        Write($"cnn, epoch over 600 images, batches of {Batch}: {epoch * 1e3:0.0} ms, {600 / epoch:0} images/s");
        Evaluation("mlp 784-128-10", Mlp);
        Evaluation("cnn", Cnn);
        PyTorch();
        Write($"{Measurement.Machine} at the end");
        return 0;
    }

    private static void MatrixProducts(double peak)
    {
        var a = Values(Batch * Pixels);
        var b = Values(Hidden * Pixels);
        var c = new float[Batch * Hidden];
        var d = Values(Batch * Hidden);
        var g = new float[Hidden * Pixels];
        const double Operations = 2.0 * Batch * Hidden * Pixels;
        var plain = Time(() => PlainMlp.MultiplyRightTransposed(a, b, c, Batch, Hidden, Pixels));
        Row("32 × 128 × 784, A·Bᵀ (forward)", Time(() => MatrixProduct.MultiplyRightTransposed(a, b, c, Batch, Hidden, Pixels)));
        Row("32 × 128 × 784, A·B", Time(() => MatrixProduct.Multiply(a, b, c, Batch, Hidden, Pixels)));
        Row("128 × 784 × 32, Aᵀ·B (gradient)", Time(() => MatrixProduct.MultiplyLeftTransposed(d, a, g, Hidden, Pixels, Batch)));
        Row("32 × 128 × 784, plain loops", plain);

        static double Time(Action work) => Measurement.BestMedian(work, warmUps: 200, repetitions: 101, medians: 15);

        void Row(string name, double seconds) => Write(
            $"matrix product {name}: {seconds * 1e6:0.0} µs, {Operations / seconds / 1e9:0.0} GFLOP/s, {Operations / seconds / peak:0 %} of the peak, {plain / seconds:0.0} × plain loops");
    }

    private static void TrainingStep()
    {
        var examples = Images(Batch * Steps);
        var engine = new BuiltInEngine();
        var step = Measurement.BestMedian(() => Train(Mlp, examples, engine), warmUps: 20, repetitions: 21, medians: 15) / Steps;
        var mlp = new PlainMlp(Pixels, Hidden, Classes);
        var (x, labels) = (Values(Batch * Pixels), Enumerable.Range(0, Batch).Select(i => i % Classes).ToArray());
        var plain = Measurement.BestMedian(() => mlp.Step(x, labels, 0.05f), warmUps: 30, repetitions: 31);
        Write($"training step, mlp 784-128-10, batch {Batch}: {step * 1e6:0} µs; plain loops {plain * 1e6:0} µs, {plain / step:0.0} × as long");
    }

    private static void Evaluation(string name, ModelSpec spec)
    {
        var model = Model.Create(spec);
        var weights = model.InitialWeights(1);
        var images = Images(1000);
        var seconds = Measurement.BestMedian(
            () => Evaluator.Evaluate(model, weights, images, LossKind.CrossEntropy, 1, CancellationToken.None), warmUps: 10, repetitions: 5);
        Write($"evaluation, {name}, 1,000 images: {seconds * 1e3:0.0} ms, {1000 / seconds:0} images/s");
    }

    /// <summary>The same work by PyTorch, on one thread too.</summary>
    private static void PyTorch()
    {
        if (!File.Exists(Python))
        {
            Write($"PyTorch: not measured, there is no {Python}.");
            return;
        }

        var start = new ProcessStartInfo(Python, [Repository.File("bench", "peers", "engine_torch.py")]) { RedirectStandardError = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{Python} did not start.");
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            Write($"PyTorch: not measured. {errors.Trim().Split('\n')[^1]}");
        }
    }

    private static void Train(ModelSpec spec, Examples examples, BuiltInEngine? engine = null)
    {
        var model = Model.Create(spec);
        (engine ?? Shared).Train(
            new TrainingJob
            {
                Model = model,
                GlobalWeights = Weights.GetOrAdd(model.Signature, _ => model.InitialWeights(1)),
                Examples = examples,
                Training = Training,
                BatchOrder = SeededRandom.Derive(1, "bench", "batches"),
            },
            CancellationToken.None);
    }

    private static BuiltInEngine Shared { get; } = new();

    private static System.Collections.Concurrent.ConcurrentDictionary<string, float[]> Weights { get; } = new();

    /// <summary>Random images with classes in turn.</summary>
    internal static Examples Images(int count) => new(Values(count * Pixels), Pixels, [.. Enumerable.Range(0, count).Select(i => i % Classes)], targets: null);

    /// <summary>Uniform in [−0.5, 0.5).</summary>
    private static float[] Values(int count)
    {
        var random = SeededRandom.Derive(1, "bench", "values");
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }

    internal static void Write(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
