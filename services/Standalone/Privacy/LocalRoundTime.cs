using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Training;

namespace FlEvents.Standalone.Privacy;

/// <summary>How long a client trains in one round, measured on made-up examples of the right shape.</summary>
public static class LocalRoundTime
{
    // Enough to see what a step takes; the rest of a round is more of the same.
    private const int MostSteps = 32;
    private const int Rows = 64;

    /// <summary>Trains once as a worker would, a few steps at most, and scales to all steps of the client's epochs.</summary>
    /// <param name="examples">Examples of the client, before any split for validation, at least 1.</param>
    /// <param name="rowsOfEach">Mean rows of an example: 1, or more where an example is a privacy unit.</param>
    public static TimeSpan Measure(RunSpec run, int examples, double rowsOfEach, TimeProvider time, CancellationToken cancellationToken)
    {
        var model = Model.Create(run.Model);
        var task = PrivacyPlan.TaskOf(run, examples, round: 1);
        var engine = new BuiltInEngine(keep: 1);
        var training = Math.Max(1, examples - (int)(examples * (decimal)run.Training.ValidationFraction));
        var rows = (int)Math.Min(Array.MaxLength, Math.Ceiling(training * rowsOfEach));
        var stepsOfEpoch = (rows + run.Training.BatchSize - 1) / run.Training.BatchSize;
        var all = task?.DpSgd?.Steps ?? (long)stepsOfEpoch * run.Training.LocalEpochs;
        // What runs for the first time is compiled while it runs, which the rounds of a run don't pay for again.
        engine.Train(Job(run, model, training, rows, task?.DpSgd, MostSteps), cancellationToken);

        var start = time.GetTimestamp();
        var result = engine.Train(Job(run, model, training, rows, task?.DpSgd, MostSteps), cancellationToken);
        var trained = time.GetElapsedTime(start) * ((double)all / result.Steps);

        start = time.GetTimestamp();
        Protect(result.Update, task);
        return trained + time.GetElapsedTime(start);
    }

    private static TrainingJob Job(RunSpec run, Model model, int examples, int rows, DpSgdTask? dpSgd, int steps)
    {
        // Under DP-SGD a batch is drawn from all examples, otherwise an epoch of fewer rows has fewer steps.
        var count = dpSgd is null ? (int)Math.Min(rows, (long)steps * run.Training.BatchSize) : rows;
        return new TrainingJob
        {
            Model = model,
            GlobalWeights = model.InitialWeights(run.Seed),
            Examples = MadeUp(model, run.Training.Loss, count, units: dpSgd is null ? count : examples),
            Training = run.Training with { LocalEpochs = 1 },
            BatchOrder = SeededRandom.Derive(run.Seed, "plan"),
            Private = dpSgd is null ? null : Private(dpSgd, (int)Math.Min(steps, dpSgd.Steps)),
        };
    }

    private static PrivateTraining Private(DpSgdTask task, int steps)
    {
        var noise = new CryptographicNoise();
        return new PrivateTraining
        {
            SamplingRate = task.SamplingProbability,
            Steps = steps,
            ClipNorm = task.ClipNorm,
            NoiseMultiplier = task.NoiseMultiplier,
            DeclaredExamples = task.DeclaredExamples,
            DrawBatch = noise.PoissonSample,
            FillNoise = noise.Gaussian,
        };
    }

    // A few rows stand for all examples: a step reads as much, and the memory of a whole data set is not needed. Units of several rows are made up in full.
    private static Examples MadeUp(Model model, LossKind loss, int count, int units)
    {
        var random = SeededRandom.Derive(1, "plan", "examples");
        var rows = units < count ? count : Math.Min(Rows, count);
        var inputs = new float[rows * model.InputSize];
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = (float)random.NextDouble();
        }

        var classes = loss == LossKind.BinaryCrossEntropy ? 2 : model.Outputs;
        int[]? numbers = units < count ? [.. Enumerable.Range(0, rows).Select(row => row % units)] : null;
        var made = loss == LossKind.MeanSquaredError
            ? new Examples(inputs, model.InputSize, classes: null, targets: new float[rows], numbers)
            : new Examples(inputs, model.InputSize, [.. Enumerable.Range(0, rows).Select(row => row % classes)], targets: null, numbers);
        return made.Select([.. Enumerable.Range(0, count).Select(i => i % rows)]);
    }

    private static void Protect(Span<float> update, TaskPrivacy? privacy)
    {
        // Made-up examples may make the training diverge, which is not what is measured.
        if (update.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
        {
            update.Clear();
        }

        switch (privacy)
        {
            case { ClipNorm: { } clipNorm, NoiseMultiplier: { } noiseMultiplier }:
                UpdateNoise.Release(update, clipNorm, noiseMultiplier, new CryptographicNoise());
                break;
            case { ClipNorm: { } clipNorm }:
                Clipping.ClipL2(update, clipNorm);
                break;
        }
    }
}
