using FlEvents.Learning.Numerics;
using FlEvents.Learning.Tests.Layers;

namespace FlEvents.Learning.Tests.Numerics;

public sealed class WeightedSumsTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(4, 16, 3)]
    [InlineData(5, 17, 256)]
    [InlineData(3, 40, 257)]
    [InlineData(10, 33, 600)]
    public void Outer_products_are_summed_in_one_chain_for_each_element(int rows, int lanes, int depth)
    {
        var left = LayerCases.Random("left", depth * rows);
        var right = LayerCases.Random("right", depth * lanes);
        double[] weights = [.. LayerCases.Random("weights", depth).Select((weight, d) => d % 5 == 2 ? 0 : (double)weight / 3)];
        double[] expected = [.. LayerCases.Random("sums", rows * lanes).Select(value => (double)value)];
        var (sums, transposed) = ((double[])expected.Clone(), (double[])expected.Clone());
        for (var d = 0; d < depth; d++)
        {
            for (var i = 0; i < rows * lanes; i++)
            {
                expected[i] = Math.FusedMultiplyAdd(weights[d] * left[(d * rows) + (i / lanes)], right[(d * lanes) + (i % lanes)], expected[i]);
            }
        }

        // What has no weight does not count, whatever it is.
        for (var d = 2; d < depth; d += 5)
        {
            (left[d * rows], right[d * lanes]) = (float.NaN, float.PositiveInfinity);
        }

        var products = new WeightedOuterProducts();
        products.Reserve(rows, depth);
        products.Add(left, rows, 1, right, lanes, 1, weights, sums, rows, lanes);
        Assert.Equal(expected, sums);

        products.Add(Transposed(left, depth), 1, depth, Transposed(right, depth), 1, depth, weights, transposed, rows, lanes);
        Assert.Equal(expected, transposed);
    }

    [Theory, InlineData(1), InlineData(8), InlineData(21)]
    public void Vectors_are_added_by_one_fused_operation_each(int length)
    {
        var values = LayerCases.Random("values", length);
        var sums = new double[length + 1];
        WeightedSums.Add(values, 0.3, sums);
        WeightedSums.Add(values, 0.7, sums);
        Assert.Equal([.. values.Select(x => Math.FusedMultiplyAdd(0.7, x, 0.3 * x)), 0.0], sums);
        var doubles = new double[length + 1];
        WeightedSums.Add(Array.ConvertAll(values, x => (double)x), 0.3, doubles);
        WeightedSums.Add(Array.ConvertAll(values, x => (double)x), 0.7, doubles);
        Assert.Equal(sums, doubles);

        var before = (double[])sums.Clone();
        values.AsSpan().Fill(float.NaN);
        WeightedSums.Add(values, 0, sums);
        WeightedSums.Add(Array.ConvertAll(values, x => (double)x), 0, sums);
        Assert.Equal(before, sums);
    }

    [Fact]
    public void Spans_that_are_too_short_are_refused()
    {
        var products = new WeightedOuterProducts();
        products.Reserve(2, 2);
        Assert.Throws<ArgumentException>(() => products.Add(new float[3], 2, 1, new float[6], 3, 1, new double[2], new double[6], 2, 3));
        Assert.Throws<ArgumentException>(() => products.Add(new float[4], 2, 1, new float[5], 3, 1, new double[2], new double[6], 2, 3));
        Assert.Throws<ArgumentException>(() => products.Add(new float[4], 2, 1, new float[6], 3, 1, new double[2], new double[5], 2, 3));
        Assert.Throws<ArgumentException>(() => products.Add(new float[40], 8, 1, new float[15], 3, 1, new double[5], new double[24], 8, 3));
    }

    private static float[] Transposed(float[] matrix, int rows) =>
        [.. Enumerable.Range(0, matrix.Length).Select(i => matrix[(i % rows * (matrix.Length / rows)) + (i / rows)])];
}
