using FlEvents.Contracts;
using FlEvents.Learning.Layers;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Tests.Layers;

public sealed class NetworkTests
{
    private static readonly Model Images = Model.Create(new ModelSpec
    {
        InputShape = [1, 7, 9],
        Outputs = 3,
        Layers =
        [
            new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 4, Kernel = 3, Padding = 1 },
            new LayerSpec { Kind = LayerKind.GroupNorm, Groups = 2 },
            new LayerSpec { Kind = LayerKind.Tanh },
            new LayerSpec { Kind = LayerKind.AvgPool2d, Kernel = 2 },
            new LayerSpec { Kind = LayerKind.Flatten },
            new LayerSpec { Kind = LayerKind.Linear, Outputs = 3 },
        ],
    });

    private static readonly Model Features = Model.Create(new ModelSpec { Name = ModelName.Mlp, InputShape = [700], Hidden = [37], Outputs = 5 });

    public static TheoryData<string> Names => ["images", "features"];

    [Theory, MemberData(nameof(Names))]
    public void The_outputs_of_an_example_have_the_same_bits_wherever_it_stands_in_whatever_batch(string name)
    {
        var model = name == "images" ? Images : Features;
        var weights = LayerCases.Random("weights", model.ParameterCount);
        var example = LayerCases.Random("example", model.InputSize);
        var network = new Network(model);
        network.Reserve(40, backward: false);
        var alone = Outputs(network, weights, example, position: 0, batch: 1);
        foreach (var (position, batch) in new[] { (0, 2), (1, 2), (3, 7), (15, 16), (16, 17), (31, 32), (20, 33), (39, 40) })
        {
            Assert.Equal(alone, Outputs(network, weights, example, position, batch));
        }
    }

    [Fact]
    public void A_batch_that_outgrows_the_reserved_room_can_be_reserved_later()
    {
        var weights = Features.InitialWeights(3);
        var example = LayerCases.Random("example", Features.InputSize);
        var network = new Network(Features);
        network.Reserve(1, backward: false);
        var alone = Outputs(network, weights, example, position: 0, batch: 1);
        network.Reserve(9, backward: true);
        Assert.Equal(alone, Outputs(network, weights, example, position: 8, batch: 9));
        var gradients = new float[Features.ParameterCount];
        network.OutputGradients(9).Fill(1f);
        network.Backward(weights, gradients, 9);
        Assert.All(gradients, gradient => Assert.True(float.IsFinite(gradient)));
    }

    private static float[] Outputs(Network network, float[] weights, float[] example, int position, int batch)
    {
        var size = network.Model.InputSize;
        LayerCases.Random($"others {batch}", batch * size).CopyTo(network.Inputs(batch));
        example.CopyTo(network.Inputs(batch)[(position * size)..]);
        return network.Forward(weights, batch).Slice(position * network.Model.Outputs, network.Model.Outputs).ToArray();
    }
}
