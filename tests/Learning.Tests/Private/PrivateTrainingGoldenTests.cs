using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Training;

namespace FlEvents.Learning.Tests.Private;

/// <summary>
/// 20 steps of DP-SGD beside PyTorch, which takes one example at a time, in double: <c>dpsgd.json</c>, written by <c>bench/golden/make_dpsgd_golden.py</c>.
/// </summary>
public sealed class PrivateTrainingGoldenTests
{
    // The constants and formulas of that script.
    private const int Count = 80;
    private const int Steps = 20;
    private const int EmptyStep = 5;
    private const int Stride = 101;
    private const double Rate = 0.2;

    private static readonly string[] Segments = ["1111110", "0110000", "1101101", "1111001", "0110011", "1011011", "1011111", "1110000", "1111111", "1111011"];

    private static readonly (int Y0, int Y1, int X0, int X1)[] Boxes =
        [(0, 3, 0, 12), (0, 11, 9, 12), (8, 19, 9, 12), (16, 19, 0, 12), (8, 19, 0, 3), (0, 11, 0, 3), (8, 11, 0, 12)];

    private static readonly Model TanhCnn = Model.Create(new ModelSpec
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
    });

    [Fact]
    public void Twenty_steps_end_where_PyTorch_ends_on_the_same_batches_and_noise()
    {
        var golden = JsonSerializer.Deserialize<Golden>(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "dpsgd.json")), JsonSerializerOptions.Web)!;
        var start = StartingWeights();
        var sizes = new List<int>();
        var job = new TrainingJob
        {
            Model = TanhCnn,
            GlobalWeights = start,
            Examples = new Examples([.. Enumerable.Range(0, Count).SelectMany(Image)], 784, [.. Enumerable.Range(0, Count).Select(i => i % 10)], null),
            Training = new TrainingSpec { LearningRate = 0.4, Momentum = 0.5, BatchSize = 1 },
            BatchOrder = SeededRandom.Derive(1, "unused"),
            Private = new PrivateTraining
            {
                SamplingRate = Rate,
                Steps = Steps,
                ClipNorm = 2.5,
                NoiseMultiplier = 0.05,
                DeclaredExamples = Count,
                DrawBatch = Batches(sizes),
                FillNoise = Noise(TanhCnn.ParameterCount),
            },
        };
        var update = new BuiltInEngine().Train(job, CancellationToken.None).Update;

        Assert.Equal(golden.BatchSizes, sizes);
        var moved = Math.Sqrt(update.Sum(value => (double)value * value));
        Assert.True(moved > 1, $"The weights moved by {moved}.");
        Assert.Equal(TanhCnn.Layout.Tensors.Select(tensor => tensor.Name), golden.Tensors.Select(tensor => tensor.Name));
        foreach (var (tensor, expected) in TanhCnn.Layout.Tensors.Zip(golden.Tensors))
        {
            double[] end = [.. Enumerable.Range(tensor.Offset, tensor.Length).Select(i => (double)start[i] + update[i])];

            // Weights of size 0.1 to 1 after 20 steps in float.
            Assert.All(expected.Values.Index(), value => Assert.Equal(value.Item, end[value.Index * Stride], 1e-5));
            Assert.Equal(expected.Norm, Math.Sqrt(end.Sum(value => value * value)), 1e-5);
        }
    }

    private static float[] StartingWeights()
    {
        var weights = new float[TanhCnn.ParameterCount];
        foreach (var (index, tensor) in TanhCnn.Layout.Tensors.Index())
        {
            var weight = TanhCnn.Layout.Tensors[index / 2 * 2];
            var fanIn = weight.Length / weight.Shape[0];
            for (var i = 0; i < tensor.Length; i++)
            {
                weights[tensor.Offset + i] = (float)(((2 * Uniform(3, index, i)) - 1) / Math.Sqrt(fanIn));
            }
        }

        return weights;
    }

    private static IEnumerable<float> Image(int i)
    {
        var (top, left) = (3 + (int)(5 * Uniform(2, i, 0)), 6 + (int)(5 * Uniform(2, i, 1)));
        var ink = new double[784];
        foreach (var (segment, box) in Segments[i % 10].Zip(Boxes))
        {
            for (var y = box.Y0; y < box.Y1 && segment == '1'; y++)
            {
                ink.AsSpan(((top + y) * 28) + left + box.X0, box.X1 - box.X0).Fill(0.8);
            }
        }

        return ink.Select((value, pixel) => (float)(value + (0.2 * Uniform(1, i, pixel)) - 0.3));
    }

    private static BatchDraw Batches(List<int> sizes) => (count, rate, chosen) =>
    {
        var step = sizes.Count;
        int[] batch = [.. Enumerable.Range(0, count).Where(i => step != EmptyStep && Uniform(4, step, i) < rate)];
        batch.CopyTo(chosen);
        sizes.Add(batch.Length);
        return batch.Length;
    };

    private static NoiseFill Noise(int parameters)
    {
        var drawn = 0;
        return (values, sigma) =>
        {
            foreach (ref var value in values)
            {
                var (step, i) = (drawn / parameters, drawn % parameters);
                value = (Uniform(5, step, 3 * i) + Uniform(5, step, (3 * i) + 1) + Uniform(5, step, (3 * i) + 2) - 1.5) * 2 * sigma;
                drawn++;
            }
        };
    }

    private static double Uniform(int stream, int a, int b)
    {
        var z = ((ulong)stream * 0x9E3779B97F4A7C15) + ((ulong)a * 0xD1342543DE82EF95) + ((ulong)b * 0x2545F4914F6CDD1D) + 1;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }

    private sealed record Golden
    {
        public required int[] BatchSizes { get; init; }
        public required GoldenTensor[] Tensors { get; init; }
    }

    private sealed record GoldenTensor
    {
        public required string Name { get; init; }
        public required double Norm { get; init; }
        public required double[] Values { get; init; }
    }
}
