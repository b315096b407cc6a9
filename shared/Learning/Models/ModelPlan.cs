using System.Text.Json;
using FlEvents.Contracts;

namespace FlEvents.Learning.Models;

/// <summary>Resolves a model spec layer by layer, and collects everything that is wrong with it.</summary>
internal static class ModelPlan
{
    /// <summary>Most parameters of a model: 2 GB of weights.</summary>
    public const long MaxParameters = 500_000_000;

    /// <summary>Most values of one example between two layers.</summary>
    public const long MaxValues = 100_000_000;

    private const int MaxWidth = 1_000_000;
    private const int MaxPixels = 1000;

    /// <returns>The layers; of no use once there is an error.</returns>
    public static IReadOnlyList<ModelLayer> Resolve(ModelSpec spec, List<SpecError> errors)
    {
        CheckInputShape(spec, errors);
        if (spec.Outputs is < 1 or > 100_000)
        {
            errors.Add(new SpecError("outputs", $"{spec.Outputs} outputs; expected 1 to 100000."));
        }

        CheckChoice(spec, errors);
        var known = spec.InputShape is not null && errors.Count == 0;
        if (spec.Name is not null)
        {
            return known && spec.Layers is null ? Walk(spec, NamedModels.Layers(spec), errors) : [];
        }

        return spec.Layers is { Count: > 0 } ? Walk(spec, spec.Layers, errors) : [];
    }

    private static void CheckInputShape(ModelSpec spec, List<SpecError> errors)
    {
        var shape = spec.InputShape;
        if (shape is not { Count: 1 or 3 })
        {
            errors.Add(new SpecError("inputShape", $"A shape of {shape?.Count ?? 0} sizes; expected [features] or [channels, height, width]."));
            return;
        }

        var size = 1.0;
        for (var i = 0; i < shape.Count; i++)
        {
            if (shape[i] < 1)
            {
                errors.Add(new SpecError($"inputShape[{i}]", $"A size of {shape[i]}; expected at least 1."));
            }

            size *= shape[i];
        }

        if (size > MaxValues)
        {
            errors.Add(new SpecError("inputShape", $"{Text(shape)} holds {size:0} values; expected at most {MaxValues}."));
        }
    }

    private static void CheckChoice(ModelSpec spec, List<SpecError> errors)
    {
        if (spec.Name is null == spec.Layers is null)
        {
            var given = spec.Name is null ? "Neither name nor layers is" : "Both name and layers are";
            errors.Add(new SpecError("name", $"{given} given; expected exactly one of them."));
        }
        else if (spec.Layers is { Count: 0 })
        {
            errors.Add(new SpecError("layers", "The list is empty; expected at least one layer."));
        }

        if (spec.Name is { } name && !Enum.IsDefined(name))
        {
            errors.Add(new SpecError("name", $"Unknown model {name}; expected logistic, mlp or cnn."));
        }

        if (spec.Name == ModelName.Cnn && spec.InputShape is { Count: 1 })
        {
            errors.Add(new SpecError("inputShape", $"A cnn takes images; {Text(spec.InputShape)} is flat, expected [channels, height, width]."));
        }

        if (spec.Name == ModelName.Mlp && spec.Hidden is not { Count: > 0 })
        {
            errors.Add(new SpecError("hidden", "An mlp needs the widths of its hidden layers, such as [128]; for none of them use logistic."));
        }

        if (spec.Name != ModelName.Mlp && spec.Hidden is not null)
        {
            errors.Add(new SpecError("hidden", "Only the model named mlp takes hidden widths."));
            return;
        }

        for (var i = 0; i < (spec.Hidden?.Count ?? 0); i++)
        {
            CheckRange($"hidden[{i}]", spec.Hidden![i], 1, MaxWidth, errors);
        }
    }

    private static List<ModelLayer> Walk(ModelSpec spec, IReadOnlyList<LayerSpec> specs, List<SpecError> errors)
    {
        // A named model's layers stand in no list: what is wrong with them is the name's.
        var named = spec.Name is not null;
        var layers = new List<ModelLayer>();
        IReadOnlyList<int>? shape = errors.Exists(error => error.Path.StartsWith("inputShape", StringComparison.Ordinal)) ? null : spec.InputShape;
        var parameters = 0L;
        for (var i = 0; i < specs.Count; i++)
        {
            var path = named ? "name" : $"layers[{i}]";
            if (!CheckProperties(path, specs[i], errors) || shape is null)
            {
                shape = null;
                continue;
            }

            var layer = LayerShapes.Resolve(specs[i], shape, out var error);
            if (layer is null)
            {
                errors.Add(new SpecError(error!.Path.Length == 0 || named ? path : $"{path}.{error.Path}", error.Message));
                shape = null;
                continue;
            }

            layers.Add(layer with { ParameterOffset = (int)parameters });
            parameters += layer.ParameterCount;
            shape = layer.OutputShape;
            if (parameters > MaxParameters)
            {
                errors.Add(new SpecError(path, $"The model has {parameters} parameters up to here; expected at most {MaxParameters}."));
                shape = null;
                parameters = 0;
            }
        }

        if (shape is not null && (shape.Count != 1 || shape[0] != spec.Outputs))
        {
            var expected = $"expected [{spec.Outputs}], the model's outputs";
            errors.Add(new SpecError($"layers[{specs.Count - 1}]", $"The last layer puts out {Text(shape)}; {expected}."));
        }

        if (shape is not null && parameters == 0)
        {
            errors.Add(new SpecError("layers", "No layer has parameters; expected at least one to learn."));
        }

        return layers;
    }

    /// <summary>Whether the layer gives what its kind takes and nothing else.</summary>
    private static bool CheckProperties(string path, LayerSpec? layer, List<SpecError> errors)
    {
        if (layer is null || !Enum.IsDefined(layer.Kind))
        {
            errors.Add(new SpecError(path, $"Expected a layer of kind {string.Join(", ", Enum.GetValues<LayerKind>().Select(Name))}."));
            return false;
        }

        var before = errors.Count;
        var kind = layer.Kind;
        var pools = kind is LayerKind.MaxPool2d or LayerKind.AvgPool2d;
        var convolves = kind == LayerKind.Conv2d;
        var widens = convolves || kind == LayerKind.Linear;
        CheckProperty(path, "outputs", kind, layer.Outputs, widens, widens, 1, MaxWidth, errors);
        CheckProperty(path, "kernel", kind, layer.Kernel, convolves || pools, convolves || pools, 1, MaxPixels, errors);
        CheckProperty(path, "stride", kind, layer.Stride, convolves || pools, false, 1, MaxPixels, errors);
        CheckProperty(path, "padding", kind, layer.Padding, convolves, false, 0, MaxPixels, errors);
        CheckProperty(path, "groups", kind, layer.Groups, kind == LayerKind.GroupNorm, kind == LayerKind.GroupNorm, 1, 100_000, errors);
        return errors.Count == before;
    }

    private static void CheckProperty(
        string path, string property, LayerKind kind, int? value, bool taken, bool needed, int least, int most, List<SpecError> errors)
    {
        if (value is null)
        {
            if (needed)
            {
                errors.Add(new SpecError($"{path}.{property}", $"A layer of kind {Name(kind)} needs {property}; expected {least} to {most}."));
            }
        }
        else if (!taken)
        {
            errors.Add(new SpecError($"{path}.{property}", $"A layer of kind {Name(kind)} takes no {property}; it is {value}."));
        }
        else
        {
            CheckRange($"{path}.{property}", value.Value, least, most, errors);
        }
    }

    private static void CheckRange(string path, int value, int least, int most, List<SpecError> errors)
    {
        if (value < least || value > most)
        {
            errors.Add(new SpecError(path, $"It is {value}; expected {least} to {most}."));
        }
    }

    public static string Text(IReadOnlyList<int> shape) => $"[{string.Join(", ", shape)}]";

    public static string Name(LayerKind kind) => JsonNamingPolicy.CamelCase.ConvertName(kind.ToString());
}
