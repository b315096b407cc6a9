using FlEvents.Contracts;

namespace FlEvents.Learning.Models;

/// <summary>A model's architecture: layers with their shapes, and where their parameters stand. Immutable; it holds no weights.</summary>
public sealed class Model
{
    private readonly Initialization _initialization;

    private Model(ModelSpec spec, IReadOnlyList<ModelLayer> layers)
    {
        InputShape = [.. spec.InputShape];
        InputSize = InputShape.Aggregate(1, (a, b) => a * b);
        Outputs = spec.Outputs;
        Layers = layers;
        Layout = new ModelLayout(Tensors(layers));
        Signature = string.Join(' ', layers);
        _initialization = spec.Initialization;
    }

    /// <summary>[features] or [channels, height, width].</summary>
    public IReadOnlyList<int> InputShape { get; }

    /// <summary>Values per example: the product of the input shape.</summary>
    public int InputSize { get; }

    /// <summary>Values the model puts out per example.</summary>
    public int Outputs { get; }

    public IReadOnlyList<ModelLayer> Layers { get; }

    public ModelLayout Layout { get; }

    /// <summary>Elements of the parameter vector, P.</summary>
    public int ParameterCount => Layout.Length;

    /// <summary>The layers as text: the same for two models exactly when they compute the same function of their parameters.</summary>
    public string Signature { get; }

    /// <summary>Builds the model of a spec.</summary>
    /// <exception cref="ArgumentException">The spec is wrong; the message lists every error of <see cref="Check"/>.</exception>
    public static Model Create(ModelSpec spec)
    {
        var errors = new List<SpecError>();
        var layers = ModelPlan.Resolve(spec, errors);
        return errors.Count == 0
            ? new Model(spec, layers)
            : throw new ArgumentException(string.Join(" ", errors.Select(error => $"{error.Path}: {error.Message}")), nameof(spec));
    }

    /// <summary>Every error of a spec; none when <see cref="Create"/> accepts it.</summary>
    public static IReadOnlyList<SpecError> Check(ModelSpec spec)
    {
        var errors = new List<SpecError>();
        ModelPlan.Resolve(spec, errors);
        return errors;
    }

    /// <summary>Weights to start from, shape [P]: a function of the seed and of each tensor's name and shape alone.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <remarks>Formulas: <see cref="WeightInitialization"/>.</remarks>
    public float[] InitialWeights(long seed) => WeightInitialization.Draw(Layers, Layout, _initialization, seed);

    private static IEnumerable<(string Name, IReadOnlyList<int> Shape)> Tensors(IReadOnlyList<ModelLayer> layers)
    {
        for (var index = 0; index < layers.Count; index++)
        {
            if (layers[index].WeightShape is { } shape)
            {
                yield return ($"{index}.weight", shape);
                yield return ($"{index}.bias", [shape[0]]);
            }
        }
    }
}
