using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Training;

namespace FlEvents.Standalone.Privacy;

/// <summary>One picture of the demonstration.</summary>
/// <param name="Title">What it is.</param>
/// <param name="Note">Where it comes from, in a sentence.</param>
/// <param name="Pixels">In [0, 1], shape [rows × columns].</param>
/// <param name="PeakSignalToNoise">Against the original in dB; null for the original.</param>
public sealed record AttackView(string Title, string Note, double[] Pixels, double? PeakSignalToNoise);

/// <summary>
/// What a client's update shows of the image it was trained on: one example, one SGD step on the run's own engine, without protection and with it.
/// </summary>
public static class Attack
{
    // For a mode that the run file does not set up.
    private const double AssumedClipNorm = 1;
    private const double AssumedNoise = 1;

    /// <summary>Why a run can't be attacked this way, in one sentence; null when it can.</summary>
    public static string? Refusal(RunSpec run)
    {
        var first = Model.Create(run.Model).Layers.FirstOrDefault(layer => layer.ParameterCount > 0)?.Kind;
        return run.Model.InputShape is not [1, _, _] ? $"The model takes [{string.Join(", ", run.Model.InputShape)}]; expected grey images, [1, height, width]."
            : first != LayerKind.Linear ? $"The model's first layer with weights is {first}; expected linear, which this attack inverts (an mlp or logistic model)."
            : null;
    }

    /// <summary>The original and what an observer rebuilds: from the bare update, from DP-SGD's, and from one with local noise.</summary>
    /// <param name="run">A run that <see cref="Refusal"/> accepts.</param>
    /// <param name="source">Of the run's data set.</param>
    /// <param name="example">Which image, from 0.</param>
    /// <param name="noise">What the mechanisms draw from.</param>
    /// <exception cref="DataException">The data can't be read as declared.</exception>
    /// <exception cref="ArgumentException">The run can't be attacked this way, or has no such image.</exception>
    public static IReadOnlyList<AttackView> Views(RunSpec run, DataSource source, int example, INoiseSource noise)
    {
        if (Refusal(run) is { } refusal)
        {
            throw new ArgumentException(refusal);
        }

        if (DataSetReader.CountExamples(source) is var count && (example < 0 || example >= count))
        {
            throw new ArgumentException($"There is no image {example}; expected 0 to {count - 1}.");
        }

        int? classes = run.Training.Loss == LossKind.CrossEntropy ? run.Model.Outputs : null;
        var one = DataSetReader.Read(source with { Skip = source.Skip + example, Take = 1 }, run.Data, run.Model.InputShape, classes);
        var model = Model.Create(run.Model);
        var original = Pixels(Array.ConvertAll(one.Input(0).ToArray(), value => (double)value), run.Data.Image);
        var protectedExample = run.Privacy.Example ?? new ExamplePrivacySpec { ClipNorm = AssumedClipNorm, NoiseMultiplier = AssumedNoise };
        var protectedLocal = run.Privacy.Local ?? new LocalPrivacySpec { ClipNorm = AssumedClipNorm, NoiseMultiplier = AssumedNoise };
        var bare = Update(run, model, one, null);
        var local = (float[])bare.Clone();
        UpdateNoise.Release(local, protectedLocal.ClipNorm, protectedLocal.NoiseMultiplier, noise);
        return
        [
            new AttackView("Original", "The image in the client's data. It never left the client.", original, null),
            View("No protection", "Rebuilt from the update of one training step, in privacy mode none.", bare),
            View(
                "Mode example",
                FormattableString.Invariant($"The same attack on DP-SGD with C = {protectedExample.ClipNorm}, z = {protectedExample.NoiseMultiplier}."),
                Update(run, model, one, DpSgd(protectedExample, noise))),
            View(
                "Mode local",
                FormattableString.Invariant($"The same attack on an update noised as a whole, C = {protectedLocal.ClipNorm}, z = {protectedLocal.NoiseMultiplier}."),
                local),
        ];

        AttackView View(string title, string note, float[] update)
        {
            var pixels = Pixels(Rebuilt(model, update), run.Data.Image);
            return new AttackView(title, note, pixels, AttackInversion.PeakSignalToNoise(original, pixels));
        }
    }

    /// <summary>One step of plain SGD on one example, as a worker's engine takes it.</summary>
    private static float[] Update(RunSpec run, Model model, Examples one, PrivateTraining? privately) => new BuiltInEngine().Train(
        new TrainingJob
        {
            Model = model,
            GlobalWeights = model.InitialWeights(run.Seed),
            Examples = one,
            Training = new TrainingSpec { Loss = run.Training.Loss, LearningRate = run.Training.LearningRate, BatchSize = 1 },
            BatchOrder = SeededRandom.Derive(run.Seed, "attack"),
            Private = privately,
        },
        CancellationToken.None).Update;

    private static PrivateTraining DpSgd(ExamplePrivacySpec example, INoiseSource noise) => new()
    {
        SamplingRate = 1,
        Steps = 1,
        ClipNorm = example.ClipNorm,
        NoiseMultiplier = example.NoiseMultiplier,
        DeclaredExamples = 1,
        DrawBatch = noise.PoissonSample,
        FillNoise = noise.Gaussian,
    };

    private static double[] Rebuilt(Model model, float[] update)
    {
        var layer = model.Layers.First(candidate => candidate.ParameterCount > 0);
        var outputs = layer.WeightShape![0];
        var parameters = update.AsSpan(layer.ParameterOffset, layer.ParameterCount);
        return AttackInversion.Rebuild(parameters[..^outputs], parameters[^outputs..]);
    }

    /// <summary>Inputs as pixels: the scaling undone, and cut to what a pixel can be.</summary>
    private static double[] Pixels(double[] inputs, ImageScaling? scaling) =>
        Array.ConvertAll(inputs, value => Math.Clamp((value * (scaling?.Scale ?? 1)) + (scaling?.Mean ?? 0), 0, 1));
}
