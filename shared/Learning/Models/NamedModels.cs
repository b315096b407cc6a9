using FlEvents.Contracts;

namespace FlEvents.Learning.Models;

/// <summary>What the names <c>logistic</c>, <c>mlp</c> and <c>cnn</c> stand for.</summary>
internal static class NamedModels
{
    /// <summary>The layers of a named model. The name fits the input shape and the hidden widths.</summary>
    public static IReadOnlyList<LayerSpec> Layers(ModelSpec spec)
    {
        var layers = new List<LayerSpec>();
        if (spec.Name == ModelName.Cnn)
        {
            AddConvolutions(layers);
        }

        if (spec.InputShape.Count == 3)
        {
            layers.Add(new LayerSpec { Kind = LayerKind.Flatten });
        }

        foreach (var width in spec.Name == ModelName.Mlp ? spec.Hidden! : [])
        {
            layers.Add(new LayerSpec { Kind = LayerKind.Linear, Outputs = width });
            layers.Add(new LayerSpec { Kind = LayerKind.Relu });
        }

        layers.Add(new LayerSpec { Kind = LayerKind.Linear, Outputs = spec.Outputs });
        return layers;
    }

    /// <summary>
    /// Two convolutions that halve the image each, in place of pooling: 11,274 parameters and 0.2 million multiplications for a digit of 28 × 28 pixels,
    /// so that one core trains thousands of images a second. A padding of 2 lets any image size through.
    /// </summary>
    private static void AddConvolutions(List<LayerSpec> layers)
    {
        foreach (var channels in new[] { 8, 16 })
        {
            layers.Add(new LayerSpec { Kind = LayerKind.Conv2d, Outputs = channels, Kernel = 5, Stride = 2, Padding = 2 });
            layers.Add(new LayerSpec { Kind = LayerKind.Relu });
        }
    }
}
