using FlEvents.Learning.Models;

namespace FlEvents.Learning.Layers;

/// <summary>The windows of one image as columns of a matrix, for square kernels with stride and zero padding. Holds workspace.</summary>
/// <remarks>
/// A value of window w that belongs to row r of the matrix stands in the padded image at r's offset (channel, line and column within the kernel) plus
/// w's (its first pixel). So one addition finds it, and padding needs no case of its own.
/// </remarks>
internal sealed unsafe class Patches
{
    private readonly int _channels;
    private readonly int _height;
    private readonly int _width;
    private readonly int _padding;
    private readonly int[] _rowOffsets;
    private readonly int[] _columnOffsets;
    private readonly float[] _padded;

    /// <param name="channels">Channels of the image.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="kernel">Side of the window.</param>
    /// <param name="stride">Pixels from window to window.</param>
    /// <param name="padding">Zeros on each side.</param>
    public Patches(int channels, int height, int width, int kernel, int stride, int padding)
    {
        (_channels, _height, _width, _padding) = (channels, height, width, padding);
        var (paddedHeight, paddedWidth) = (height + (2 * padding), width + (2 * padding));
        var columns = ((paddedWidth - kernel) / stride) + 1;
        _padded = new float[channels * paddedHeight * paddedWidth];
        _rowOffsets = new int[channels * kernel * kernel];
        for (var row = 0; row < _rowOffsets.Length; row++)
        {
            var line = (row / (kernel * kernel) * paddedHeight) + (row / kernel % kernel);
            _rowOffsets[row] = (line * paddedWidth) + (row % kernel);
        }

        _columnOffsets = new int[(((paddedHeight - kernel) / stride) + 1) * columns];
        for (var column = 0; column < _columnOffsets.Length; column++)
        {
            _columnOffsets[column] = (column / columns * stride * paddedWidth) + (column % columns * stride);
        }
    }

    /// <summary>Those of a convolution.</summary>
    public static Patches Of(ModelLayer shape) =>
        new(shape.InputShape[0], shape.InputShape[1], shape.InputShape[2], shape.Kernel, shape.Stride, shape.Padding);

    /// <summary>Rows of the matrix: channels × kernel².</summary>
    public int Rows => _rowOffsets.Length;

    /// <summary>Columns of the matrix: windows in row-major order.</summary>
    public int Columns => _columnOffsets.Length;

    /// <summary>Writes each window's values down one column; those outside the image are 0.</summary>
    /// <param name="image">Shape [channels, height, width].</param>
    /// <param name="matrix">Shape [Rows, Columns].</param>
    public void Gather(ReadOnlySpan<float> image, Span<float> matrix)
    {
        CheckLength(matrix.Length);
        _padded.AsSpan().Clear();
        for (var line = 0; line < _channels * _height; line++)
        {
            image.Slice(line * _width, _width).CopyTo(PaddedLine(line));
        }

        fixed (float* padded = _padded, to = matrix)
        fixed (int* offsets = _columnOffsets)
        {
            var target = to;
            foreach (var rowOffset in _rowOffsets)
            {
                var source = padded + rowOffset;
                for (var column = 0; column < Columns; column++)
                {
                    target[column] = source[offsets[column]];
                }

                target += Columns;
            }
        }
    }

    /// <summary>The transpose of <see cref="Gather"/>: adds each value to the pixel it came from, row by row of the matrix.</summary>
    /// <param name="matrix">Shape [Rows, Columns].</param>
    /// <param name="image">Shape [channels, height, width]; overwritten.</param>
    public void Scatter(ReadOnlySpan<float> matrix, Span<float> image)
    {
        CheckLength(matrix.Length);
        _padded.AsSpan().Clear();
        fixed (float* padded = _padded, from = matrix)
        fixed (int* offsets = _columnOffsets)
        {
            var source = from;
            foreach (var rowOffset in _rowOffsets)
            {
                var target = padded + rowOffset;
                for (var column = 0; column < Columns; column++)
                {
                    target[offsets[column]] += source[column];
                }

                source += Columns;
            }
        }

        for (var line = 0; line < _channels * _height; line++)
        {
            PaddedLine(line).CopyTo(image.Slice(line * _width, _width));
        }
    }

    /// <summary>The part of the padded image that one line of the image fills; lines are counted through the channels.</summary>
    private Span<float> PaddedLine(int line)
    {
        var (channel, row) = (line / _height, line % _height);
        var padded = (channel * (_height + (2 * _padding))) + row + _padding;
        return _padded.AsSpan((padded * (_width + (2 * _padding))) + _padding, _width);
    }

    private void CheckLength(int matrix)
    {
        if (matrix < Rows * Columns)
        {
            throw new ArgumentException($"A matrix of {matrix} values; expected {Rows} × {Columns}.", nameof(matrix));
        }
    }
}
