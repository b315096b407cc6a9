namespace FlEvents.Learning.Layers;

/// <summary>The windows of one image as columns of a matrix, for square kernels with stride and zero padding.</summary>
/// <param name="Channels">Channels of the image.</param>
/// <param name="Height">Rows of the image.</param>
/// <param name="Width">Columns of the image.</param>
/// <param name="Kernel">Side of the window.</param>
/// <param name="Stride">Pixels from window to window.</param>
/// <param name="Padding">Zeros on each side.</param>
internal sealed record Patches(int Channels, int Height, int Width, int Kernel, int Stride, int Padding)
{
    public int OutputHeight { get; } = ((Height + (2 * Padding) - Kernel) / Stride) + 1;

    public int OutputWidth { get; } = ((Width + (2 * Padding) - Kernel) / Stride) + 1;

    /// <summary>Rows of the matrix: channels × kernel².</summary>
    public int Rows => Channels * Kernel * Kernel;

    /// <summary>Columns of the matrix: windows in row-major order.</summary>
    public int Columns => OutputHeight * OutputWidth;

    /// <summary>Writes each window's values down one column; those outside the image are 0.</summary>
    /// <param name="image">Shape [Channels, Height, Width].</param>
    /// <param name="matrix">Shape [Rows, Columns].</param>
    public void Gather(ReadOnlySpan<float> image, Span<float> matrix)
    {
        for (var row = 0; row < Rows; row++)
        {
            var (channel, top, left) = Offsets(row);
            var (first, last) = Inside(left, Width, OutputWidth);
            for (var y = 0; y < OutputHeight; y++)
            {
                var target = matrix.Slice((row * Columns) + (y * OutputWidth), OutputWidth);
                var line = (y * Stride) + top;
                if (line < 0 || line >= Height || first >= last)
                {
                    target.Clear();
                    continue;
                }

                target[..first].Clear();
                target[last..].Clear();
                var source = image.Slice(((channel * Height) + line) * Width, Width)[((first * Stride) + left)..];
                if (Stride == 1)
                {
                    source[..(last - first)].CopyTo(target[first..]);
                    continue;
                }

                var inside = target[first..last];
                for (int x = 0, at = 0; x < inside.Length; x++, at += Stride)
                {
                    inside[x] = source[at];
                }
            }
        }
    }

    /// <summary>The transpose of <see cref="Gather"/>: adds each value to the pixel it came from, row by row of the matrix.</summary>
    /// <param name="matrix">Shape [Rows, Columns].</param>
    /// <param name="image">Shape [Channels, Height, Width]; overwritten.</param>
    public void Scatter(ReadOnlySpan<float> matrix, Span<float> image)
    {
        image.Clear();
        for (var row = 0; row < Rows; row++)
        {
            var (channel, top, left) = Offsets(row);
            var (first, last) = Inside(left, Width, OutputWidth);
            for (var y = 0; y < OutputHeight && first < last; y++)
            {
                var line = (y * Stride) + top;
                if (line < 0 || line >= Height)
                {
                    continue;
                }

                var source = matrix.Slice((row * Columns) + (y * OutputWidth), OutputWidth)[first..last];
                var target = image.Slice(((channel * Height) + line) * Width, Width)[((first * Stride) + left)..];
                for (int x = 0, at = 0; x < source.Length; x++, at += Stride)
                {
                    target[at] += source[x];
                }
            }
        }
    }

    /// <summary>The channel of a row of the matrix, and where its pixel stands relative to a window's first one.</summary>
    private (int Channel, int Top, int Left) Offsets(int row) =>
        (row / (Kernel * Kernel), (row / Kernel % Kernel) - Padding, (row % Kernel) - Padding);

    /// <summary>The windows x with 0 ≤ x·Stride + offset &lt; size, as a half-open range within [0, count).</summary>
    private (int First, int Last) Inside(int offset, int size, int count)
    {
        var first = offset >= 0 ? 0 : (-offset + Stride - 1) / Stride;
        var last = size <= offset ? 0 : ((size - offset - 1) / Stride) + 1;
        return (Math.Min(first, count), Math.Min(last, count));
    }
}
