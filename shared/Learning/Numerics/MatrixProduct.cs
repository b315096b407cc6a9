using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Numerics;

/// <summary>Products of row-major matrices, each with one order of summation whatever the machine.</summary>
/// <remarks>
/// Every element of a result is its own chain c ← fma(a, b, c) over the depth p = 0, 1, …, k − 1, begun at 0 (or at the element, when accumulating).
/// Vector lanes, tiles and packing only choose which elements are computed together, so the bits of an element depend on its row of the left matrix
/// and its column of the right one alone: not on the vector width, on the other rows or on where in a batch its row stands.
/// <para>A fused multiply-add is one rounding by definition; <see cref="Vector256.FusedMultiplyAdd(Vector256{float}, Vector256{float}, Vector256{float})"/>
/// keeps that promise without FMA hardware too, where it is right but many times slower.</para>
/// </remarks>
public static unsafe class MatrixProduct
{
    // A tile is 4 × 16: eight accumulators of eight lanes hide the latency of two FMA units, and with two vectors of the right matrix and one broadcast
    // they fit the sixteen registers of AVX2.
    private const int TileRows = 4;
    private const int TileLanes = 16;

    // Depth packed at a time: 512 × 16 floats are 32 KiB, which stays in the first-level cache while the rows pass by.
    private const int PackedDepth = 512;

    /// <summary>C = A·B, or C += A·B.</summary>
    /// <param name="a">Shape [<paramref name="m"/>, <paramref name="k"/>].</param>
    /// <param name="b">Shape [<paramref name="k"/>, <paramref name="n"/>].</param>
    /// <param name="c">Shape [<paramref name="m"/>, <paramref name="n"/>].</param>
    /// <param name="accumulate">Adds to what <paramref name="c"/> holds.</param>
    /// <exception cref="ArgumentException">A size is below 1, or a span is shorter than its shape.</exception>
    public static void Multiply(ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, int m, int n, int k, bool accumulate = false)
    {
        CheckShapes(a.Length, b.Length, c.Length, m, n, k);
        fixed (float* pa = a, pb = b, pc = c)
        {
            Run(new Grid(pa, k, 1), new Grid(pb, n, 1), new Grid(pc, n, 1), m, n, k, accumulate);
        }
    }

    /// <summary>C = Aᵀ·B, or C += Aᵀ·B.</summary>
    /// <param name="a">Shape [<paramref name="k"/>, <paramref name="m"/>].</param>
    /// <param name="b">Shape [<paramref name="k"/>, <paramref name="n"/>].</param>
    /// <param name="c">Shape [<paramref name="m"/>, <paramref name="n"/>].</param>
    /// <param name="accumulate">Adds to what <paramref name="c"/> holds.</param>
    /// <exception cref="ArgumentException">A size is below 1, or a span is shorter than its shape.</exception>
    public static void MultiplyLeftTransposed(
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, int m, int n, int k, bool accumulate = false)
    {
        CheckShapes(a.Length, b.Length, c.Length, m, n, k);
        fixed (float* pa = a, pb = b, pc = c)
        {
            Run(new Grid(pa, 1, m), new Grid(pb, n, 1), new Grid(pc, n, 1), m, n, k, accumulate);
        }
    }

    /// <summary>C = A·Bᵀ, or C += A·Bᵀ.</summary>
    /// <param name="a">Shape [<paramref name="m"/>, <paramref name="k"/>].</param>
    /// <param name="b">Shape [<paramref name="n"/>, <paramref name="k"/>].</param>
    /// <param name="c">Shape [<paramref name="m"/>, <paramref name="n"/>].</param>
    /// <param name="accumulate">Adds to what <paramref name="c"/> holds.</param>
    /// <exception cref="ArgumentException">A size is below 1, or a span is shorter than its shape.</exception>
    public static void MultiplyRightTransposed(
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, Span<float> c, int m, int n, int k, bool accumulate = false)
    {
        CheckShapes(a.Length, b.Length, c.Length, m, n, k);
        fixed (float* pa = a, pb = b, pc = c)
        {
            // One operand must be packed with its rows in the lanes: the one for which padding and packing cost less. Since fma(x, y, c) = fma(y, x, c),
            // the bits are the same either way.
            if (Cost(m, n, k) <= Cost(n, m, k) + ScatterCost(n, m))
            {
                Run(new Grid(pa, k, 1), new Grid(pb, 1, k), new Grid(pc, n, 1), m, n, k, accumulate);
            }
            else
            {
                Run(new Grid(pb, k, 1), new Grid(pa, 1, k), new Grid(pc, 1, n), n, m, k, accumulate);
            }
        }
    }

    // Measured in sixteenths of a cycle, padding included: a tile takes four cycles for each step of the depth, packing a value three quarters of one,
    // and writing a value across the rows of the result two.
    private static long Cost(int rows, int lanes, int depth) => (RoundUp(rows, TileRows) + 12) * RoundUp(lanes, TileLanes) * depth;

    private static long ScatterCost(int rows, int lanes) => 32 * RoundUp(rows, TileRows) * RoundUp(lanes, TileLanes);

    private static long RoundUp(int value, int multiple) => ((long)value + multiple - 1) / multiple * multiple;

    private static void CheckShapes(int a, int b, int c, int m, int n, int k)
    {
        if (m < 1 || n < 1 || k < 1)
        {
            throw new ArgumentException($"The sizes m = {m}, n = {n}, k = {k} must be at least 1.");
        }

        if (a < (long)m * k || b < (long)k * n || c < (long)m * n)
        {
            throw new ArgumentException($"Spans of {a}, {b} and {c} values are too short for a product of {m} × {k} and {k} × {n}.");
        }
    }

    /// <summary>A matrix in memory: its element (i, j) stands at <c>Origin + i·RowStride + j·ColumnStride</c>.</summary>
    private readonly struct Grid(float* origin, int rowStride, int columnStride)
    {
        public readonly float* Origin = origin;
        public readonly nint RowStride = rowStride;
        public readonly nint ColumnStride = columnStride;

        public float* At(int row, int column) => Origin + (row * RowStride) + (column * ColumnStride);
    }

    [SkipLocalsInit]
    private static void Run(Grid left, Grid right, Grid result, int rows, int lanes, int depth, bool accumulate)
    {
        var panel = stackalloc float[PackedDepth * TileLanes];
        for (var lane = 0; lane < lanes; lane += TileLanes)
        {
            var width = Math.Min(TileLanes, lanes - lane);
            for (var start = 0; start < depth; start += PackedDepth)
            {
                var length = Math.Min(PackedDepth, depth - start);
                var column = right.At(start, lane);
                var columnStride = right.RowStride;
                if (width < TileLanes || right.ColumnStride != 1 || rows > 2 * TileRows)
                {
                    Pack(column, right.RowStride, right.ColumnStride, width, length, panel);
                    column = panel;
                    columnStride = TileLanes;
                }

                var goesOn = accumulate || start > 0;
                for (var row = 0; row < rows; row += TileRows)
                {
                    var height = Math.Min(TileRows, rows - row);
                    if (height == TileRows && width == TileLanes && result.ColumnStride == 1)
                    {
                        Tile(left.At(row, start), left, height, column, columnStride, length, result.At(row, lane), result.RowStride, goesOn);
                    }
                    else
                    {
                        EdgeTile(left.At(row, start), left, height, column, columnStride, length, result.At(row, lane), result, width, goesOn);
                    }
                }
            }
        }
    }

    /// <summary>Copies <paramref name="width"/> columns of a matrix side by side, the missing ones of sixteen as zeros.</summary>
    private static void Pack(float* source, nint rowStride, nint columnStride, int width, int length, float* panel)
    {
        if (columnStride == 1 && width == TileLanes)
        {
            for (var p = 0; p < length; p++, source += rowStride, panel += TileLanes)
            {
                Vector256.Load(source).Store(panel);
                Vector256.Load(source + 8).Store(panel + 8);
            }

            return;
        }

        if (width == TileLanes)
        {
            for (var p = 0; p < length; p++, source += rowStride, panel += TileLanes)
            {
                for (var lane = 0; lane < TileLanes; lane += 4)
                {
                    var s = source + (lane * columnStride);
                    Vector128.Create(*s, *(s + columnStride), *(s + (2 * columnStride)), *(s + (3 * columnStride))).Store(panel + lane);
                }
            }

            return;
        }

        new Span<float>(panel, length * TileLanes).Clear();
        for (var lane = 0; lane < width; lane++)
        {
            var from = source + (lane * columnStride);
            var to = panel + lane;
            for (var p = 0; p < length; p++, from += rowStride, to += TileLanes)
            {
                *to = *from;
            }
        }
    }

    /// <summary>A tile at the border of the result, or one whose lanes do not lie side by side in it: computed apart, then copied.</summary>
    [SkipLocalsInit]
    private static void EdgeTile(
        float* a, Grid left, int height, float* b, nint bStride, int depth, float* c, Grid result, int width, bool accumulate)
    {
        var tile = stackalloc float[TileRows * TileLanes];
        if (accumulate)
        {
            new Span<float>(tile, TileRows * TileLanes).Clear();
            for (var row = 0; row < height; row++)
            {
                for (var lane = 0; lane < width; lane++)
                {
                    tile[(row * TileLanes) + lane] = c[(row * result.RowStride) + (lane * result.ColumnStride)];
                }
            }
        }

        Tile(a, left, height, b, bStride, depth, tile, TileLanes, accumulate);
        if (height == TileRows && result.RowStride == 1)
        {
            for (var lane = 0; lane < width; lane++)
            {
                Vector128.Create(tile[lane], tile[TileLanes + lane], tile[(2 * TileLanes) + lane], tile[(3 * TileLanes) + lane])
                    .Store(c + (lane * result.ColumnStride));
            }

            return;
        }

        for (var row = 0; row < height; row++)
        {
            for (var lane = 0; lane < width; lane++)
            {
                c[(row * result.RowStride) + (lane * result.ColumnStride)] = tile[(row * TileLanes) + lane];
            }
        }
    }

    /// <summary>Four rows by sixteen lanes; with fewer rows the last one is computed again in place of those missing.</summary>
    private static void Tile(float* a, Grid left, int height, float* b, nint bStride, int depth, float* c, nint cStride, bool accumulate)
    {
        var a1 = height > 1 ? a + left.RowStride : a;
        var a2 = height > 2 ? a1 + left.RowStride : a1;
        var a3 = height > 3 ? a2 + left.RowStride : a2;
        var step = left.ColumnStride;
        Vector256<float> c00, c01, c10, c11, c20, c21, c30, c31;
        if (accumulate)
        {
            c00 = Vector256.Load(c);
            c01 = Vector256.Load(c + 8);
            c10 = Vector256.Load(c + cStride);
            c11 = Vector256.Load(c + cStride + 8);
            c20 = Vector256.Load(c + (2 * cStride));
            c21 = Vector256.Load(c + (2 * cStride) + 8);
            c30 = Vector256.Load(c + (3 * cStride));
            c31 = Vector256.Load(c + (3 * cStride) + 8);
        }
        else
        {
            c00 = c01 = c10 = c11 = c20 = c21 = c30 = c31 = Vector256<float>.Zero;
        }

        for (nint p = 0, at = 0; p < depth; p++, at += step, b += bStride)
        {
            var b0 = Vector256.Load(b);
            var b1 = Vector256.Load(b + 8);
            var x = Vector256.Create(a[at]);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            x = Vector256.Create(a1[at]);
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            x = Vector256.Create(a2[at]);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            x = Vector256.Create(a3[at]);
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
        }

        c00.Store(c);
        c01.Store(c + 8);
        c10.Store(c + cStride);
        c11.Store(c + cStride + 8);
        c20.Store(c + (2 * cStride));
        c21.Store(c + (2 * cStride) + 8);
        c30.Store(c + (3 * cStride));
        c31.Store(c + (3 * cStride) + 8);
    }
}
