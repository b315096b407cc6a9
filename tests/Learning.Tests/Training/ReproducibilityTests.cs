using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Tests.Layers;
using FlEvents.Learning.Training;

namespace FlEvents.Learning.Tests.Training;

public sealed class ReproducibilityTests
{
    // SHA-256 of the updates below. It changes only when the order of a sum, an initial weight or a polynomial does.
    private const string GoldenHash = "65b3ca5b79f091f5c34930830a5dca1c991ffb694102145f05556253a1c225dd";

    [Fact]
    public void Training_gives_the_same_bits_on_every_machine()
    {
        // So that a child process of the test below really is without what it was told to do without.
        Assert.False(Vector512.IsHardwareAccelerated && Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0");
        Assert.False(Vector256.IsHardwareAccelerated && Environment.GetEnvironmentVariable("DOTNET_EnableAVX2") == "0");
        var hash = Hash();
        Assert.True(hash == GoldenHash, hash);
    }

    [Theory, InlineData("DOTNET_EnableAVX512"), InlineData("DOTNET_EnableAVX2")]
    public Task Training_gives_the_same_bits_without(string feature) =>
        PassesWithoutAsync(feature, $"{typeof(ReproducibilityTests).FullName}.{nameof(Training_gives_the_same_bits_on_every_machine)}");

    /// <summary>Runs a test of this assembly in a process that is told to do without a processor's feature.</summary>
    internal static async Task PassesWithoutAsync(string feature, string test)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "FlEvents.Learning.Tests"))
        {
            ArgumentList = { "--filter-method", test, "--minimum-expected-tests", "1", "--no-progress" },
            Environment = { [feature] = "0" },
            RedirectStandardOutput = true,
        };
        using var child = Process.Start(start)!;
        var output = await child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(child.ExitCode == 0, output);
    }

    private static string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (model, training) in Jobs())
        {
            const int Count = 37;
            var inputs = LayerCases.Random("inputs", Count * model.InputSize);
            var labels = Enumerable.Range(0, Count).Select(i => i % Math.Max(2, model.Outputs)).ToArray();
            var numbers = training.Loss == LossKind.MeanSquaredError ? LayerCases.Random("labels", Count) : null;
            var result = new BuiltInEngine().Train(
                new TrainingJob
                {
                    Model = model,
                    GlobalWeights = model.InitialWeights(9),
                    Examples = new Examples(inputs, model.InputSize, numbers is null ? labels : null, numbers),
                    Training = training,
                    BatchOrder = SeededRandom.Derive(9, "batches"),
                },
                CancellationToken.None);
            hash.AppendData(MemoryMarshal.AsBytes<float>(result.Update));
            hash.AppendData(BitConverter.GetBytes(result.MeanLoss!.Value));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Every kind of layer, loss, optimizer and initialization at least once.</summary>
    private static IEnumerable<(Model Model, TrainingSpec Training)> Jobs()
    {
        var mlp = new ModelSpec { Name = ModelName.Mlp, InputShape = [70], Hidden = [33, 20], Outputs = 5, Initialization = Initialization.Xavier };
        yield return (Model.Create(mlp), new TrainingSpec { LearningRate = 0.1, Momentum = 0.9, WeightDecay = 0.001, BatchSize = 16, LocalEpochs = 2 });
        var layers = new ModelSpec
        {
            InputShape = [2, 9, 9],
            Outputs = 1,
            Layers =
            [
                new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 6, Kernel = 3, Padding = 1 },
                new LayerSpec { Kind = LayerKind.GroupNorm, Groups = 3 },
                new LayerSpec { Kind = LayerKind.Tanh },
                new LayerSpec { Kind = LayerKind.MaxPool2d, Kernel = 2 },
                new LayerSpec { Kind = LayerKind.AvgPool2d, Kernel = 2, Stride = 1 },
                new LayerSpec { Kind = LayerKind.Flatten },
                new LayerSpec { Kind = LayerKind.Linear, Outputs = 1 },
            ],
        };
        var adam = new TrainingSpec { LearningRate = 0.01, Optimizer = OptimizerKind.Adam, Loss = LossKind.BinaryCrossEntropy, BatchSize = 8 };
        yield return (Model.Create(layers), adam);
        var cnn = new ModelSpec { Name = ModelName.Cnn, InputShape = [1, 12, 12], Outputs = 1 };
        yield return (Model.Create(cnn), new TrainingSpec { LearningRate = 0.01, Loss = LossKind.MeanSquaredError, BatchSize = 10 });
    }
}
