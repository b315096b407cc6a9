using FlEvents.Learning.Tests.Golden;

namespace FlEvents.Learning.Tests.Layers;

public sealed class LayerGoldenTests
{
    private static readonly GoldenValues Golden = GoldenValues.Read();

    public static TheoryData<string> Names => new(Golden.Layers.Select(layer => layer.Name));

    [Theory, MemberData(nameof(Names))]
    public void A_layer_gives_the_outputs_and_gradients_of_PyTorch(string name)
    {
        var expected = Golden.Layers.Single(layer => layer.Name == name);
        var layers = LayerCases.Resolve(expected.Layers, expected.InputShape);
        var (outputs, inputGradients, parameterGradients) =
            LayerCases.Run(layers, expected.Parameters, expected.Inputs, expected.OutputGradients, expected.Batch);

        AssertClose(expected.Outputs, outputs);
        AssertClose(expected.InputGradients, inputGradients);
        AssertClose(expected.ParameterGradients, parameterGradients);
    }

    /// <summary>Both sides round to float after sums of at most 50 terms of size 1, in other orders: a few units of 2⁻²⁴ each, 2·10⁻⁶ with a margin.
    /// Gradients through a group normalisation have been scaled by up to 3.</summary>
    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 4e-6 * Math.Max(1, Math.Abs(expected[i])));
        }
    }
}
