using FlEvents.Learning.Numerics;
using FlEvents.Learning.Tests.Layers;

namespace FlEvents.Learning.Tests.Numerics;

public sealed class MatrixProductTests
{
    /// <summary>Sizes on both sides of each border: 4 rows, 16 lanes, 512 of depth, and which operand is packed.</summary>
    public static TheoryData<int, int, int> Sizes =>
        new()
        {
            { 1, 1, 1 }, { 4, 16, 1 }, { 3, 15, 7 }, { 5, 17, 9 }, { 8, 32, 512 }, { 9, 33, 513 }, { 32, 1, 100 }, { 1, 40, 1030 }, { 40, 10, 33 },
            { 13, 64, 20 }, { 64, 13, 600 },
        };

    [Theory, MemberData(nameof(Sizes))]
    public void Each_product_is_the_chain_of_fused_multiply_adds_over_the_depth(int m, int n, int k)
    {
        var a = LayerCases.Random("a", m * k);
        var b = LayerCases.Random("b", k * n);
        foreach (var accumulate in new[] { false, true })
        {
            var start = LayerCases.Random("c", m * n);
            var expected = Chain(a, b, accumulate ? start : new float[m * n], m, n, k);
            var (plain, left, right) = ((float[])start.Clone(), (float[])start.Clone(), (float[])start.Clone());
            MatrixProduct.Multiply(a, b, plain, m, n, k, accumulate);
            MatrixProduct.MultiplyLeftTransposed(Transpose(a, m, k), b, left, m, n, k, accumulate);
            MatrixProduct.MultiplyRightTransposed(a, Transpose(b, k, n), right, m, n, k, accumulate);
            Assert.Equal(expected, plain);
            Assert.Equal(expected, left);
            Assert.Equal(expected, right);
        }
    }

    [Theory, MemberData(nameof(Sizes))]
    public void A_product_is_near_that_in_double(int m, int n, int k)
    {
        var a = LayerCases.Random("a", m * k);
        var b = LayerCases.Random("b", k * n);
        var c = new float[m * n];
        MatrixProduct.Multiply(a, b, c, m, n, k);
        for (var i = 0; i < m * n; i++)
        {
            var (exact, magnitude) = (0.0, 0.0);
            for (var p = 0; p < k; p++)
            {
                var term = (double)a[(i / n * k) + p] * b[(p * n) + (i % n)];
                exact += term;
                magnitude += Math.Abs(term);
            }

            // Higham 2002, eq. 3.5: a chain of k fused steps errs by at most k·u/(1 − k·u) of the sum of magnitudes, u = 2⁻²⁴.
            Assert.Equal(exact, c[i], (1.01 * k / (1 << 24) * magnitude) + 1e-30);
        }
    }

    [Fact]
    public void A_product_known_by_hand()
    {
        var c = new float[4];
        MatrixProduct.Multiply([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12], c, 2, 2, 3);
        Assert.Equal([58, 64, 139, 154], c);
    }

    [Fact]
    public void Nothing_beyond_the_result_is_written()
    {
        var c = new float[(5 * 17) + 8];
        c.AsSpan().Fill(7f);
        MatrixProduct.MultiplyRightTransposed(new float[5 * 3], new float[17 * 3], c, 5, 17, 3);
        Assert.All(c[^8..], value => Assert.Equal(7f, value));
    }

    [Theory, InlineData(0, 1, 1), InlineData(1, -1, 1), InlineData(1, 1, 0), InlineData(2, 2, 3)]
    public void Sizes_that_do_not_fit_are_refused(int m, int n, int k) =>
        Assert.Throws<ArgumentException>(() => MatrixProduct.Multiply(new float[5], new float[6], new float[4], m, n, k));

    private static float[] Chain(float[] a, float[] b, float[] c, int m, int n, int k)
    {
        var result = (float[])c.Clone();
        for (var i = 0; i < m * n; i++)
        {
            for (var p = 0; p < k; p++)
            {
                result[i] = float.FusedMultiplyAdd(a[(i / n * k) + p], b[(p * n) + (i % n)], result[i]);
            }
        }

        return result;
    }

    private static float[] Transpose(float[] matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        for (var i = 0; i < matrix.Length; i++)
        {
            result[(i % columns * rows) + (i / columns)] = matrix[i];
        }

        return result;
    }
}
