using FlEvents.Learning.Models;

namespace FlEvents.Learning.Layers;

/// <summary>Where the windows of a pooling layer lie in an example's input [channels, height, width].</summary>
internal sealed class Windows(ModelLayer shape)
{
    private readonly int _height = shape.InputShape[1];
    private readonly int _outputHeight = shape.OutputShape[1];
    private readonly int _outputWidth = shape.OutputShape[2];
    private readonly int _stride = shape.Stride;

    public int Kernel { get; } = shape.Kernel;

    /// <summary>Pixels from one line of the input to the next.</summary>
    public int Width { get; } = shape.InputShape[2];

    /// <summary>Index of the first pixel of an output's window.</summary>
    public int First(int output)
    {
        var (line, x) = (output / _outputWidth, output % _outputWidth);
        var (channel, y) = (line / _outputHeight, line % _outputHeight);
        return (((channel * _height) + (y * _stride)) * Width) + (x * _stride);
    }
}
