using FlEvents.Contracts;

namespace FlEvents.Learning.Models;

/// <summary>The shapes of one layer, from its spec and the shape that comes in.</summary>
internal static class LayerShapes
{
    /// <param name="spec">Has exactly what its kind takes, each within its range.</param>
    /// <param name="input">[features] or [channels, height, width].</param>
    /// <param name="error">What does not fit, its path relative to the layer; null when all does.</param>
    /// <returns>The layer at parameter offset 0; null when something does not fit.</returns>
    public static ModelLayer? Resolve(LayerSpec spec, IReadOnlyList<int> input, out SpecError? error)
    {
        error = null;
        var layer = new ModelLayer { Kind = spec.Kind, InputShape = input, OutputShape = input };
        switch (spec.Kind)
        {
            case LayerKind.Relu or LayerKind.Tanh:
                return layer;
            case LayerKind.Flatten:
                return layer with { OutputShape = [input.Aggregate(1, (a, b) => a * b)] };
            case LayerKind.Linear:
                return Linear(spec, layer, out error);
            case LayerKind.GroupNorm:
                return GroupNorm(spec, layer, out error);
            default:
                return Windowed(spec, layer, out error);
        }
    }

    private static ModelLayer? Linear(LayerSpec spec, ModelLayer layer, out SpecError? error)
    {
        var outputs = spec.Outputs!.Value;
        if (layer.InputShape.Count != 1)
        {
            error = new SpecError("kind", $"A linear layer takes a flat input, not {ModelPlan.Text(layer.InputShape)}; expected flatten before it.");
            return null;
        }

        error = TooManyParameters(((long)layer.InputShape[0] + 1) * outputs);
        return error is null ? layer with { OutputShape = [outputs], WeightShape = [outputs, layer.InputShape[0]] } : null;
    }

    private static ModelLayer? GroupNorm(LayerSpec spec, ModelLayer layer, out SpecError? error)
    {
        var groups = spec.Groups!.Value;
        var channels = layer.InputShape[0];
        var values = layer.InputShape.Aggregate(1, (a, b) => a * b);
        error = channels % groups != 0
            ? new SpecError("groups", $"{groups} groups do not divide {channels} channels.")
            : values / groups < 2
                ? new SpecError("groups", $"{groups} groups of {values} values hold one each; expected at least two.")
                : null;
        return error is null ? layer with { Groups = groups, WeightShape = [channels] } : null;
    }

    /// <summary>A convolution or a pooling. ⌊(size + 2·padding − kernel) / stride⌋ + 1 windows fit along a side.</summary>
    private static ModelLayer? Windowed(LayerSpec spec, ModelLayer layer, out SpecError? error)
    {
        var input = layer.InputShape;
        var convolves = spec.Kind == LayerKind.Conv2d;
        var kernel = spec.Kernel!.Value;
        var stride = spec.Stride ?? (convolves ? 1 : kernel);
        var padding = spec.Padding ?? 0;
        if (input.Count != 3)
        {
            error = new SpecError(
                "kind", $"A layer of kind {ModelPlan.Name(spec.Kind)} takes images, not {ModelPlan.Text(input)}; expected [channels, height, width].");
            return null;
        }

        var rows = (long)input[1] + (2 * padding) - kernel;
        var columns = (long)input[2] + (2 * padding) - kernel;
        if (rows < 0 || columns < 0)
        {
            error = new SpecError("kernel", $"A kernel of {kernel} × {kernel} does not fit {input[1]} × {input[2]} pixels with a padding of {padding}.");
            return null;
        }

        if ((double)input[0] * (input[1] + (2 * padding)) * (input[2] + (2 * padding)) > ModelPlan.MaxValues)
        {
            error = new SpecError(
                "padding", $"{ModelPlan.Text(input)} with a padding of {padding} is more than one example may take; expected at most {ModelPlan.MaxValues}.");
            return null;
        }

        var channels = convolves ? spec.Outputs!.Value : input[0];
        var (height, width) = ((rows / stride) + 1, (columns / stride) + 1);
        var patch = (double)input[0] * kernel * kernel;
        if ((double)channels * height * width > ModelPlan.MaxValues || (convolves && patch * height * width > ModelPlan.MaxValues))
        {
            error = new SpecError(
                convolves ? "outputs" : "kernel",
                $"[{channels}, {height}, {width}] with windows of {patch:0} values is more than one example may take; expected at most {ModelPlan.MaxValues}.");
            return null;
        }

        error = convolves ? TooManyParameters((long)(patch + 1) * channels) : null;
        return error is not null ? null : layer with
        {
            OutputShape = [channels, (int)height, (int)width],
            Kernel = kernel,
            Stride = stride,
            Padding = padding,
            WeightShape = convolves ? [channels, input[0], kernel, kernel] : null,
        };
    }

    private static SpecError? TooManyParameters(long parameters) =>
        parameters <= ModelPlan.MaxParameters
            ? null
            : new SpecError("outputs", $"The layer would have {parameters} parameters; expected at most {ModelPlan.MaxParameters}.");
}
