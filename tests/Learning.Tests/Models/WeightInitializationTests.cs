using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Tests.Models;

public sealed class WeightInitializationTests
{
    /// <summary>The second tensor is a convolution of 8 channels in, 16 out, kernel 5: fan in 200, fan out 400.</summary>
    [Theory, InlineData(Initialization.Kaiming, 0.17320508075688773), InlineData(Initialization.Xavier, 0.1)]
    public void Weights_fill_their_interval_evenly(Initialization initialization, double bound)
    {
        var model = Cnn(initialization);
        var tensor = model.Layout.Tensors.Single(tensor => tensor.Name == "2.weight");
        var weights = model.InitialWeights(1).AsSpan(tensor.Offset, tensor.Length).ToArray();
        Assert.All(weights, weight => Assert.InRange(weight, -(float)bound, (float)bound));

        // 3200 uniform values: the largest misses the bound by 2·bound/3200 on average, the mean has a deviation of bound/√(3·3200).
        Assert.True(weights.Max() > 0.99 * bound && weights.Min() < -0.99 * bound);
        Assert.Equal(0, weights.Average(), 5 * bound / Math.Sqrt(3 * 3200));
        Assert.Equal(bound * bound / 3, weights.Average(weight => weight * weight), 0.1 * bound * bound / 3);
    }

    [Fact]
    public void Each_tensor_is_its_own_stream_of_the_seed_and_its_name()
    {
        var random = SeededRandom.Derive(42, "init", "5.weight");
        var model = Cnn(Initialization.Kaiming);
        var tensor = model.Layout.Tensors.Single(tensor => tensor.Name == "5.weight");
        var bound = Math.Sqrt(6.0 / 784);
        foreach (var weight in model.InitialWeights(42).AsSpan(tensor.Offset, tensor.Length))
        {
            Assert.Equal((float)(bound * ((2 * random.NextDouble()) - 1)), weight);
        }
    }

    [Fact]
    public void Biases_start_at_0_and_the_weight_of_a_group_normalisation_at_1()
    {
        var model = Model.Create(new ModelSpec
        {
            InputShape = [6],
            Outputs = 2,
            Layers = [new LayerSpec { Kind = LayerKind.GroupNorm, Groups = 2 }, new LayerSpec { Kind = LayerKind.Linear, Outputs = 2 }],
        });
        var weights = model.InitialWeights(3);
        Assert.Equal([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], weights[..12]);
        Assert.Equal([0, 0], weights[^2..]);
        Assert.DoesNotContain(0f, weights[12..^2]);
    }

    [Fact]
    public void Seeds_differ() => Assert.NotEqual(Cnn(Initialization.Kaiming).InitialWeights(1), Cnn(Initialization.Kaiming).InitialWeights(2));

    private static Model Cnn(Initialization initialization) =>
        Model.Create(new ModelSpec { Name = ModelName.Cnn, InputShape = [1, 28, 28], Outputs = 10, Initialization = initialization });
}
