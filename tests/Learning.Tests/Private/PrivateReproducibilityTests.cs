using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using FlEvents.Contracts;
using FlEvents.Learning.Tests.Training;
using FlEvents.Learning.Training;
using static FlEvents.Learning.Tests.Private.PrivateCases;

namespace FlEvents.Learning.Tests.Private;

public sealed class PrivateReproducibilityTests
{
    // SHA-256 of the updates below, with batches and noise given. It changes only when the order of a sum or a formula does.
    private const string GoldenHash = "26c13aaea8af83302e9c70ae8a49d7e7835e8cb6aa227588236eb9e1c43ad036";

    [Fact]
    public void Given_batches_and_noise_private_training_gives_the_same_bits_on_every_machine()
    {
        Assert.False(Vector512.IsHardwareAccelerated && Environment.GetEnvironmentVariable("DOTNET_EnableAVX512") == "0");
        Assert.False(Vector256.IsHardwareAccelerated && Environment.GetEnvironmentVariable("DOTNET_EnableAVX2") == "0");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in Names)
        {
            foreach (var optimizer in Enum.GetValues<OptimizerKind>())
            {
                var model = ModelOf(name, LossKind.CrossEntropy);
                var training = new TrainingSpec { LearningRate = 0.05, Optimizer = optimizer, Momentum = optimizer == OptimizerKind.Sgd ? 0.9 : 0, BatchSize = 1 };
                int[][] batches = [[1, 2, 3, 30], [], [.. Enumerable.Range(0, 37)]];
                var job = Job(model, ExamplesOf(model, LossKind.CrossEntropy, 37), training, Settings(Batches(batches), Noise(name), batches.Length));
                hash.AppendData(MemoryMarshal.AsBytes<float>(new BuiltInEngine().Train(job, CancellationToken.None).Update));
            }
        }

        var actual = Convert.ToHexStringLower(hash.GetHashAndReset());
        Assert.True(actual == GoldenHash, actual);
    }

    [Theory, InlineData("DOTNET_EnableAVX512"), InlineData("DOTNET_EnableAVX2")]
    public Task Given_batches_and_noise_private_training_gives_the_same_bits_without(string feature) =>
        ReproducibilityTests.PassesWithoutAsync(
            feature, $"{typeof(PrivateReproducibilityTests).FullName}.{nameof(Given_batches_and_noise_private_training_gives_the_same_bits_on_every_machine)}");
}
