using FlEvents.Contracts;
using FlEvents.Learning.Models;

namespace FlEvents.Learning.Tests.Layers;

/// <summary>The forward passes in double, written from their definitions one output at a time, for one example.</summary>
internal static class NaiveLayers
{
    public static double[] Forward(ModelLayer layer, double[] parameters, double[] x) => layer.Kind switch
    {
        LayerKind.Linear => Linear(layer, parameters, x),
        LayerKind.Conv2d => Conv2d(layer, parameters, x),
        LayerKind.MaxPool2d => Pool(layer, x, window => window.Max()),
        LayerKind.AvgPool2d => Pool(layer, x, window => window.Average()),
        LayerKind.Relu => [.. x.Select(value => Math.Max(value, 0))],
        LayerKind.Tanh => [.. x.Select(Math.Tanh)],
        LayerKind.GroupNorm => GroupNorm(layer, parameters, x),
        _ => x,
    };

    private static double[] Linear(ModelLayer layer, double[] parameters, double[] x)
    {
        var n = layer.OutputShape[0];
        return [.. Enumerable.Range(0, n).Select(o => parameters[(n * x.Length) + o] + x.Select((value, i) => value * parameters[(o * x.Length) + i]).Sum())];
    }

    private static double[] Conv2d(ModelLayer layer, double[] parameters, double[] x)
    {
        var (channels, height, width) = (layer.InputShape[0], layer.InputShape[1], layer.InputShape[2]);
        var k = layer.Kernel;
        return Images(layer, (o, y, column) =>
        {
            var sum = parameters[(layer.OutputShape[0] * channels * k * k) + o];
            for (var i = 0; i < channels * k * k; i++)
            {
                var (c, row, at) = (i / (k * k), (y * layer.Stride) + (i / k % k) - layer.Padding, (column * layer.Stride) + (i % k) - layer.Padding);
                var inside = row >= 0 && row < height && at >= 0 && at < width;
                sum += inside ? x[(((c * height) + row) * width) + at] * parameters[(o * channels * k * k) + i] : 0;
            }

            return sum;
        });
    }

    private static double[] Pool(ModelLayer layer, double[] x, Func<IEnumerable<double>, double> combine)
    {
        var (height, width) = (layer.InputShape[1], layer.InputShape[2]);
        return Images(layer, (c, y, column) => combine(Enumerable.Range(0, layer.Kernel * layer.Kernel).Select(i =>
            x[(((c * height) + (y * layer.Stride) + (i / layer.Kernel)) * width) + (column * layer.Stride) + (i % layer.Kernel)])));
    }

    private static double[] GroupNorm(ModelLayer layer, double[] parameters, double[] x)
    {
        var channels = layer.InputShape[0];
        var y = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            var size = x.Length / layer.Groups;
            var group = x.AsSpan(i / size * size, size).ToArray();
            var mean = group.Average();
            var variance = group.Select(value => (value - mean) * (value - mean)).Average();
            var channel = i / (x.Length / channels);
            y[i] = ((x[i] - mean) / Math.Sqrt(variance + 1e-5) * parameters[channel]) + parameters[channels + channel];
        }

        return y;
    }

    private static double[] Images(ModelLayer layer, Func<int, int, int, double> value)
    {
        var (channels, height, width) = (layer.OutputShape[0], layer.OutputShape[1], layer.OutputShape[2]);
        return [.. Enumerable.Range(0, channels * height * width).Select(i => value(i / (height * width), i / width % height, i % width))];
    }
}
