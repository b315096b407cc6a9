using FlEvents.Contracts;
using FlEvents.Learning.Layers;
using FlEvents.Learning.Models;
using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Tests.Layers;

/// <summary>Runs layers without the model around them.</summary>
internal static class LayerCases
{
    /// <summary>Layers of specs in a row. A closing flatten and linear layer of one output make it a model and are dropped again.</summary>
    public static IReadOnlyList<ModelLayer> Resolve(IReadOnlyList<LayerSpec> specs, IReadOnlyList<int> inputShape)
    {
        LayerSpec[] closed = [.. specs, new LayerSpec { Kind = LayerKind.Flatten }, new LayerSpec { Kind = LayerKind.Linear, Outputs = 1 }];
        var model = Model.Create(new ModelSpec { Layers = closed, InputShape = inputShape, Outputs = 1 });
        return [.. model.Layers.Take(specs.Count)];
    }

    /// <summary>Outputs and both gradients of layers in a row.</summary>
    public static (float[] Outputs, float[] InputGradients, float[] ParameterGradients) Run(
        IReadOnlyList<ModelLayer> shapes, float[] parameters, float[] inputs, float[] outputGradients, int batch)
    {
        var layers = shapes.Select(Layer.Create).OfType<Layer>().ToList();
        var values = new List<float[]> { inputs };
        foreach (var layer in layers)
        {
            layer.Reserve(batch);
            values.Add(Garbage(batch * layer.OutputSize));
            layer.Forward(parameters.AsSpan(layer.ParameterOffset, layer.ParameterCount), values[^2], values[^1], batch);
        }

        var parameterGradients = Garbage(parameters.Length);
        var gradients = outputGradients;
        for (var i = layers.Count - 1; i >= 0; i--)
        {
            var layer = layers[i];
            layer.BackwardToParameters(values[i], gradients, parameterGradients.AsSpan(layer.ParameterOffset, layer.ParameterCount), batch);
            var inputGradients = Garbage(batch * layer.InputSize);
            layer.BackwardToInputs(
                parameters.AsSpan(layer.ParameterOffset, layer.ParameterCount), values[i], values[i + 1], gradients, inputGradients, batch);
            gradients = inputGradients;
        }

        return (values[^1], gradients, parameterGradients);
    }

    public static float[] Random(string name, int length)
    {
        var random = SeededRandom.Derive(11, name);
        var values = new float[length];
        foreach (ref var value in values.AsSpan())
        {
            value = (float)((2 * random.NextDouble()) - 1);
        }

        return values;
    }

    /// <summary>What a layer writes must not depend on what was there.</summary>
    private static float[] Garbage(int length)
    {
        var values = new float[length];
        values.AsSpan().Fill(float.NaN);
        return values;
    }
}
