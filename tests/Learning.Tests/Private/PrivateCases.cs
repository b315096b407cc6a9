using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Tests.Layers;
using FlEvents.Learning.Training;

namespace FlEvents.Learning.Tests.Private;

/// <summary>Models with every kind of layer, examples for every loss, and jobs whose batches and noise are given.</summary>
internal static class PrivateCases
{
    private static readonly Dictionary<string, (int[] InputShape, LayerSpec[] Layers)> Bodies = new()
    {
        ["linear"] = ([13], []),
        ["two linear layers"] = ([21], [new() { Kind = LayerKind.Linear, Outputs = 18 }, new() { Kind = LayerKind.Relu }]),
        ["convolution, kept"] = ([2, 7, 6], [new() { Kind = LayerKind.Conv2d, Outputs = 3, Kernel = 3, Stride = 2, Padding = 1 }]),
        ["convolution after a layer, kept"] = ([1, 9, 9],
            [new() { Kind = LayerKind.Conv2d, Outputs = 4, Kernel = 3 }, new() { Kind = LayerKind.Tanh }, new() { Kind = LayerKind.Conv2d, Outputs = 5, Kernel = 2 }]),
        ["convolution of one window, Gram"] = ([16, 3, 3], [new() { Kind = LayerKind.Conv2d, Outputs = 16, Kernel = 3 }]),
        ["convolution of four windows, Gram"] = ([16, 4, 4], [new() { Kind = LayerKind.Conv2d, Outputs = 17, Kernel = 3 }, new() { Kind = LayerKind.Tanh }]),
        ["group normalisation of an image"] = ([4, 3, 3], [new() { Kind = LayerKind.GroupNorm, Groups = 2 }, new() { Kind = LayerKind.Tanh }]),
        ["group normalisation of features"] = ([12], [new() { Kind = LayerKind.GroupNorm, Groups = 3 }]),
        ["all together"] = ([2, 9, 9],
        [
            new() { Kind = LayerKind.Conv2d, Outputs = 6, Kernel = 3, Padding = 1 }, new() { Kind = LayerKind.GroupNorm, Groups = 3 },
            new() { Kind = LayerKind.Relu }, new() { Kind = LayerKind.MaxPool2d, Kernel = 2 },
            new() { Kind = LayerKind.Conv2d, Outputs = 40, Kernel = 3 }, new() { Kind = LayerKind.Tanh },
            new() { Kind = LayerKind.AvgPool2d, Kernel = 2, Stride = 1 }, new() { Kind = LayerKind.Flatten }, new() { Kind = LayerKind.Linear, Outputs = 11 },
        ]),
        ["wider than the workspace"] = ([2, 80, 80], [new() { Kind = LayerKind.Conv2d, Outputs = 6, Kernel = 3 }, new() { Kind = LayerKind.MaxPool2d, Kernel = 8 }]),
    };

    public static IEnumerable<string> Names => Bodies.Keys;

    /// <summary>A body closed by a linear layer that the loss can score.</summary>
    public static Model ModelOf(string name, LossKind loss)
    {
        var (inputShape, layers) = Bodies[name];
        var outputs = loss == LossKind.CrossEntropy ? 4 : 1;
        LayerSpec[] closed = [.. layers, new() { Kind = LayerKind.Flatten }, new() { Kind = LayerKind.Linear, Outputs = outputs }];
        return Model.Create(new ModelSpec { InputShape = inputShape, Outputs = outputs, Layers = closed });
    }

    /// <summary>Examples of norms that differ a hundredfold, so that some gradients are clipped and some are not.</summary>
    public static Examples ExamplesOf(Model model, LossKind loss, int count, int[]? units = null)
    {
        var inputs = LayerCases.Random("inputs", count * model.InputSize);
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] *= (i / model.InputSize % 4) switch { 0 => 0.03f, 1 => 0.3f, 2 => 1f, _ => 3f };
        }

        return loss == LossKind.MeanSquaredError
            ? new Examples(inputs, model.InputSize, null, LayerCases.Random("targets", count), units)
            : new Examples(inputs, model.InputSize, [.. Enumerable.Range(0, count).Select(i => i % Math.Max(2, model.Outputs))], null, units);
    }

    /// <summary>Relative 10⁻⁵. Where terms cancel, what was added is the measure: float gradients are good to some 10⁻⁷ of the largest of their tensor.</summary>
    public static void AssertClose(Model model, float[] expected, float[] actual)
    {
        foreach (var tensor in model.Layout.Tensors)
        {
            var largest = expected.Skip(tensor.Offset).Take(tensor.Length).Max(Math.Abs);
            for (var i = tensor.Offset; i < tensor.Offset + tensor.Length; i++)
            {
                Assert.Equal(expected[i], actual[i], (1e-5 * Math.Abs(expected[i])) + (2e-6 * largest) + 1e-30);
            }
        }
    }

    /// <summary>Batches given step by step, the last one again and again.</summary>
    public static BatchDraw Batches(params int[][] batches)
    {
        var step = 0;
        return (_, _, chosen) =>
        {
            var batch = batches[Math.Min(step++, batches.Length - 1)];
            batch.CopyTo(chosen);
            return batch.Length;
        };
    }

    /// <summary>Bell-shaped numbers of a stream, the same on every machine; their variance is σ².</summary>
    public static NoiseFill Noise(string name)
    {
        var random = SeededRandom.Derive(3, name);
        return (values, sigma) =>
        {
            foreach (ref var value in values)
            {
                value = (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2 * sigma;
            }
        };
    }

    public static void Silence(Span<double> values, double sigma) => values.Clear();

    public static PrivateTraining Settings(BatchDraw batches, NoiseFill noise, int steps = 1, double clipNorm = 1) => new()
    {
        SamplingRate = 0.25,
        Steps = steps,
        ClipNorm = clipNorm,
        NoiseMultiplier = 0.7,
        DeclaredExamples = 50,
        DrawBatch = batches,
        FillNoise = noise,
    };

    /// <summary>A step size so large that the weights' own rounding is lost beside the step.</summary>
    public static TrainingSpec Spec(LossKind loss, double learningRate = 1024) => new() { Loss = loss, LearningRate = learningRate, BatchSize = 1 };

    public static TrainingJob Job(Model model, Examples examples, TrainingSpec training, PrivateTraining settings) => new()
    {
        Model = model,
        GlobalWeights = Array.ConvertAll(model.InitialWeights(4), weight => weight + 0.01f),
        Examples = examples,
        Training = training,
        BatchOrder = SeededRandom.Derive(1, "unused"),
        Private = settings,
    };
}
