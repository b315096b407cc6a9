using FlEvents.Contracts;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Tests.Layers;

public sealed class LayerGradientTests
{
    private const int Batch = 2;

    private static readonly Dictionary<string, (int[] InputShape, LayerSpec Layer)> Cases = new()
    {
        ["linear"] = ([9], new LayerSpec { Kind = LayerKind.Linear, Outputs = 4 }),
        ["convolution"] = ([2, 5, 4], new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 3, Kernel = 2 }),
        ["convolution, stride 2, padding 2"] = ([2, 5, 6], new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 3, Kernel = 3, Stride = 2, Padding = 2 }),
        ["convolution wider than a tile"] = ([1, 6, 7], new LayerSpec { Kind = LayerKind.Conv2d, Outputs = 5, Kernel = 3, Padding = 1 }),
        ["largest"] = ([2, 4, 5], new LayerSpec { Kind = LayerKind.MaxPool2d, Kernel = 2 }),
        ["largest, overlapping"] = ([2, 4, 5], new LayerSpec { Kind = LayerKind.MaxPool2d, Kernel = 3, Stride = 1 }),
        ["mean"] = ([2, 4, 5], new LayerSpec { Kind = LayerKind.AvgPool2d, Kernel = 2 }),
        ["mean, overlapping"] = ([2, 5, 5], new LayerSpec { Kind = LayerKind.AvgPool2d, Kernel = 3, Stride = 2 }),
        ["rectifier"] = ([19], new LayerSpec { Kind = LayerKind.Relu }),
        ["hyperbolic tangent"] = ([19], new LayerSpec { Kind = LayerKind.Tanh }),
        ["group normalisation of an image"] = ([4, 3, 3], new LayerSpec { Kind = LayerKind.GroupNorm, Groups = 2 }),
        ["group normalisation of features"] = ([12], new LayerSpec { Kind = LayerKind.GroupNorm, Groups = 3 }),
    };

    public static TheoryData<string> Names => new(Cases.Keys);

    [Theory, MemberData(nameof(Names))]
    public void Outputs_and_gradients_are_those_of_central_differences_of_the_definition(string name)
    {
        var (inputShape, spec) = Cases[name];
        var layer = LayerCases.Resolve([spec], inputShape)[0];
        var parameters = LayerCases.Random(name + " parameters", layer.ParameterCount);
        var inputs = LayerCases.Random(name + " inputs", Batch * Size(layer.InputShape));
        var upstream = LayerCases.Random(name + " upstream", Batch * Size(layer.OutputShape));
        var (outputs, inputGradients, parameterGradients) = LayerCases.Run([layer], parameters, inputs, upstream, Batch);

        AssertClose(Forward(layer, Widen(parameters), Widen(inputs)), outputs);
        AssertClose(Differences(Widen(inputs), x => Weighted(Forward(layer, Widen(parameters), x), upstream)), inputGradients);
        AssertClose(Differences(Widen(parameters), p => Weighted(Forward(layer, p, Widen(inputs)), upstream)), parameterGradients);
    }

    private static double[] Forward(ModelLayer layer, double[] parameters, double[] inputs) =>
        [.. inputs.Chunk(Size(layer.InputShape)).SelectMany(example => NaiveLayers.Forward(layer, parameters, example))];

    private static double Weighted(double[] outputs, float[] weights) => outputs.Zip(weights, (output, weight) => output * weight).Sum();

    /// <summary>(f(x + h) − f(x − h)) / 2h. With h = 10⁻⁵ truncation leaves about 10⁻⁹ and rounding 10⁻¹⁰; no kink of these inputs lies within h.</summary>
    private static double[] Differences(double[] x, Func<double[], double> f)
    {
        const double H = 1e-5;
        var gradient = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            var (up, down) = ((double[])x.Clone(), (double[])x.Clone());
            up[i] += H;
            down[i] -= H;
            gradient[i] = (f(up) - f(down)) / (2 * H);
        }

        return gradient;
    }

    /// <summary>Float sums of at most 60 terms of size 1, each rounded to 2⁻²⁴ of it.</summary>
    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 2e-6 * Math.Max(1, Math.Abs(expected[i])));
        }
    }

    private static int Size(IReadOnlyList<int> shape) => shape.Aggregate(1, (a, b) => a * b);

    private static double[] Widen(float[] values) => [.. values.Select(value => (double)value)];
}
