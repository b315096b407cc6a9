using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Numerics;

/// <summary>
/// Weighted sums of outer products of floats, in double: S += Σ_d w_d·l_d·r_dᵀ. Holds workspace, so one instance serves one thread at a time.
/// </summary>
/// <remarks>
/// Every element of S is its own chain s ← fma(w_d·l_d, r_d, s) over d = 0, 1, …: w·l is rounded once to double, and the product with r once more, with the
/// sum. Lanes and tiles are different elements, so the bits do not depend on the vector width.
/// <para>A depth whose weight is 0 adds nothing, whatever its values: a NaN among them stays out.</para>
/// </remarks>
public sealed unsafe class WeightedOuterProducts
{
    // As in MatrixProduct: eight accumulators of eight doubles, and a panel of 32 KiB that stays in the first-level cache while the rows pass by.
    private const int TileRows = 4;
    private const int TileLanes = 16;
    private const int PackedDepth = 256;

    private double[] _left = [];

    /// <summary>Makes room for products of up to so many rows and so deep.</summary>
    public void Reserve(int rows, int depth)
    {
        var needed = checked((rows + TileRows - 1) / TileRows * TileRows * depth);
        if (_left.Length < needed)
        {
            _left = new double[needed];
        }
    }

    /// <summary>Adds to the sums. A float of depth d stands at d·(its depth stride) + i·(its other stride).</summary>
    /// <param name="left">l, with rows i.</param>
    /// <param name="leftDepthStride">From one depth of <paramref name="left"/> to the next.</param>
    /// <param name="leftRowStride">From one row to the next.</param>
    /// <param name="right">r, with lanes i.</param>
    /// <param name="rightDepthStride">From one depth of <paramref name="right"/> to the next.</param>
    /// <param name="rightLaneStride">From one lane to the next.</param>
    /// <param name="weights">w; its length is the depth.</param>
    /// <param name="sums">S, shape [<paramref name="rows"/>, <paramref name="lanes"/>].</param>
    /// <param name="rows">Rows of S; at most those reserved.</param>
    /// <param name="lanes">Columns of S.</param>
    /// <exception cref="ArgumentException">A span, or what was reserved, is too short.</exception>
    [SkipLocalsInit]
    public void Add(
        ReadOnlySpan<float> left,
        int leftDepthStride,
        int leftRowStride,
        ReadOnlySpan<float> right,
        int rightDepthStride,
        int rightLaneStride,
        ReadOnlySpan<double> weights,
        Span<double> sums,
        int rows,
        int lanes)
    {
        CheckLengths(left.Length, right.Length, sums.Length, weights.Length, rows, lanes);
        PackLeft(left, leftDepthStride, leftRowStride, weights, rows);
        var panel = stackalloc double[PackedDepth * TileLanes];
        var tile = stackalloc double[TileRows * TileLanes];
        fixed (double* packed = _left, to = sums)
        {
            for (var start = 0; start < weights.Length; start += PackedDepth)
            {
                var depth = Math.Min(PackedDepth, weights.Length - start);
                for (var lane = 0; lane < lanes; lane += TileLanes)
                {
                    var width = Math.Min(TileLanes, lanes - lane);
                    var first = right[((start * rightDepthStride) + (lane * rightLaneStride))..];
                    PackRight(first, rightDepthStride, rightLaneStride, weights.Slice(start, depth), width, panel);
                    for (var row = 0; row < rows; row += TileRows)
                    {
                        var a = packed + ((long)row * weights.Length) + ((long)start * TileRows);
                        var c = to + ((long)row * lanes) + lane;
                        var height = Math.Min(TileRows, rows - row);
                        if (height == TileRows && width == TileLanes)
                        {
                            Tile(a, panel, depth, c, lanes);
                        }
                        else
                        {
                            EdgeTile(a, panel, depth, c, lanes, height, width, tile);
                        }
                    }
                }
            }
        }
    }

    private void CheckLengths(int left, int right, int sums, int depth, int rows, int lanes)
    {
        var reserved = (long)(rows + TileRows - 1) / TileRows * TileRows * depth <= _left.Length;
        if (!reserved || left < (long)rows * depth || right < (long)lanes * depth || sums < (long)rows * lanes)
        {
            throw new ArgumentException(
                $"Spans of {left}, {right} and {sums} values, or what was reserved, are too short for {rows} × {lanes} and a depth of {depth}.");
        }
    }

    /// <summary>w·l, four rows side by side at each depth; missing rows are zeros.</summary>
    private void PackLeft(ReadOnlySpan<float> left, int depthStride, int rowStride, ReadOnlySpan<double> weights, int rows)
    {
        var depth = weights.Length;
        for (var row = 0; row < (rows + TileRows - 1) / TileRows * TileRows; row++)
        {
            var to = _left.AsSpan(row / TileRows * TileRows * depth, depth * TileRows);
            for (var d = 0; d < depth; d++)
            {
                to[(d * TileRows) + (row % TileRows)] = row < rows && weights[d] != 0 ? weights[d] * left[(d * depthStride) + (row * rowStride)] : 0;
            }
        }
    }

    /// <summary>r, sixteen lanes side by side at each depth; missing lanes, and depths without weight, are zeros.</summary>
    private static void PackRight(ReadOnlySpan<float> right, int depthStride, int laneStride, ReadOnlySpan<double> weights, int width, double* panel)
    {
        for (var d = 0; d < weights.Length; d++, panel += TileLanes)
        {
            if (weights[d] == 0)
            {
                new Span<double>(panel, TileLanes).Clear();
                continue;
            }

            if (width == TileLanes && laneStride == 1)
            {
                var from = right.Slice(d * depthStride, TileLanes);
                var (low, high) = Vector512.Widen(Vector512.Create(from));
                low.Store(panel);
                high.Store(panel + 8);
                continue;
            }

            for (var lane = 0; lane < TileLanes; lane++)
            {
                panel[lane] = lane < width ? right[(d * depthStride) + (lane * laneStride)] : 0;
            }
        }
    }

    /// <summary>A tile at the border: computed apart, then copied.</summary>
    private static void EdgeTile(double* a, double* panel, int depth, double* c, int stride, int height, int width, double* tile)
    {
        new Span<double>(tile, TileRows * TileLanes).Clear();
        for (var row = 0; row < height; row++)
        {
            new Span<double>(c + ((long)row * stride), width).CopyTo(new Span<double>(tile + (row * TileLanes), width));
        }

        Tile(a, panel, depth, tile, TileLanes);
        for (var row = 0; row < height; row++)
        {
            new Span<double>(tile + (row * TileLanes), width).CopyTo(new Span<double>(c + ((long)row * stride), width));
        }
    }

    private static void Tile(double* a, double* b, int depth, double* c, int stride)
    {
        var row1 = c + stride;
        var row2 = row1 + stride;
        var row3 = row2 + stride;
        var (c00, c01) = (Vector512.Load(c), Vector512.Load(c + 8));
        var (c10, c11) = (Vector512.Load(row1), Vector512.Load(row1 + 8));
        var (c20, c21) = (Vector512.Load(row2), Vector512.Load(row2 + 8));
        var (c30, c31) = (Vector512.Load(row3), Vector512.Load(row3 + 8));
        for (var d = 0; d < depth; d++, a += TileRows, b += TileLanes)
        {
            var b0 = Vector512.Load(b);
            var b1 = Vector512.Load(b + 8);
            var x = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(x, b1, c01);
            x = Vector512.Create(a[1]);
            c10 = Vector512.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(x, b1, c11);
            x = Vector512.Create(a[2]);
            c20 = Vector512.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(x, b1, c21);
            x = Vector512.Create(a[3]);
            c30 = Vector512.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(x, b1, c31);
        }

        c00.Store(c);
        c01.Store(c + 8);
        c10.Store(row1);
        c11.Store(row1 + 8);
        c20.Store(row2);
        c21.Store(row2 + 8);
        c30.Store(row3);
        c31.Store(row3 + 8);
    }
}
