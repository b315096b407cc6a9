using FlEvents.Contracts;
using FlEvents.Learning.Layers;
using FlEvents.Learning.Losses;
using FlEvents.Learning.Optimizers;
using FlEvents.Learning.Training;

namespace FlEvents.Learning.Tests.Private;

/// <summary>
/// DP-SGD as its definition says it: one privacy unit at a time, its rows one by one through the ordinary backward pass, the mean of their gradients clipped,
/// then added.
/// </summary>
/// <param name="units">Rows of each unit; null where each row is one.</param>
internal sealed class NaivePrivateTraining(IReadOnlyList<int[]>? units = null)
{
    /// <summary>Each unit's gradient's norm before clipping, in the order they came.</summary>
    public List<double> Norms { get; } = [];

    /// <summary>Δ after the job's steps; uses up its batches and noise.</summary>
    public float[] Train(TrainingJob job)
    {
        var (settings, training) = (job.Private!, job.Training);
        var weights = (float[])job.GlobalWeights.Clone();
        var (first, second) = (new float[weights.Length], new float[weights.Length]);
        var network = new Network(job.Model);
        network.Reserve(1, backward: true);
        var count = units?.Count ?? job.Examples.Count;
        var chosen = new int[count];
        for (var step = 1; step <= settings.Steps; step++)
        {
            var size = settings.DrawBatch(count, settings.SamplingRate, chosen);
            var sums = new double[weights.Length];
            foreach (var unit in chosen.Take(size))
            {
                var gradient = MeanGradient(network, job, weights, units?[unit] ?? [unit]);
                var norm = Math.Sqrt(gradient.Sum(x => x * x));
                var factor = Math.Min(1, settings.ClipNorm * (1 - Math.Pow(2, -20)) / norm);
                Norms.Add(norm);
                for (var i = 0; i < sums.Length; i++)
                {
                    sums[i] += gradient[i] * factor;
                }
            }

            var noise = new double[weights.Length];
            foreach (var start in Enumerable.Range(0, weights.Length).Where(i => i % 4096 == 0))
            {
                settings.FillNoise(noise.AsSpan(start, Math.Min(4096, weights.Length - start)), settings.NoiseMultiplier * settings.ClipNorm);
            }

            float[] released = [.. sums.Zip(noise, (sum, drawn) => (float)((sum + drawn) / (settings.SamplingRate * settings.DeclaredExamples)))];
            if (training.Optimizer == OptimizerKind.Adam)
            {
                Adam.Step(weights, released, first, second, step, training.LearningRate, training.WeightDecay);
            }
            else
            {
                Sgd.Step(weights, released, first, training.LearningRate, training.Momentum, training.WeightDecay);
            }
        }

        return [.. weights.Zip(job.GlobalWeights, (after, before) => after - before)];
    }

    private static double[] MeanGradient(Network network, TrainingJob job, float[] weights, int[] rows)
    {
        var mean = new double[weights.Length];
        foreach (var row in rows)
        {
            foreach (var (i, value) in Gradient(network, job, weights, row).Index())
            {
                mean[i] += (double)value / rows.Length;
            }
        }

        return mean;
    }

    private static float[] Gradient(Network network, TrainingJob job, float[] weights, int example)
    {
        job.Examples.Input(example).CopyTo(network.Inputs(1));
        var outputs = network.Forward(weights, 1);
        Loss.OfExample(job.Training.Loss, outputs, job.Examples, example, network.OutputGradients(1));
        var gradient = new float[weights.Length];
        network.Backward(weights, gradient, 1);
        return gradient;
    }
}
