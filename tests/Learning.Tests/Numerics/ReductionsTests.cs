using FlEvents.Learning.Numerics;
using FlEvents.Learning.Tests.Layers;

namespace FlEvents.Learning.Tests.Numerics;

public sealed class ReductionsTests
{
    [Theory, InlineData(0), InlineData(1), InlineData(7), InlineData(8), InlineData(9), InlineData(16), InlineData(1003)]
    public void Sums_have_the_order_that_is_stated(int length)
    {
        var x = LayerCases.Random("x", length);
        var y = LayerCases.Random("y", length);
        Assert.Equal(Tree(x.Select(value => (double)value)), Reductions.Sum(x));
        Assert.Equal(Tree(x.Zip(y, (a, b) => (double)a * b)), Reductions.Dot(x, y));
        Assert.Equal(Tree(x.Select(value => (double)value * value)), Reductions.SumOfSquares(x));
        double[] thirds = [.. x.Select(value => value / 3.0)];
        Assert.Equal(Tree(thirds.Select(value => value * value)), Reductions.SumOfSquares(thirds));
    }

    [Fact]
    public void A_long_sum_does_not_drift()
    {
        // In float the sum of 2²⁵ ones stops at 2²⁴.
        var ones = new float[1 << 25];
        ones.AsSpan().Fill(1f);
        Assert.Equal(1 << 25, Reductions.Sum(ones));
        Assert.Equal(1 << 25, Reductions.SumOfSquares(ones));
    }

    [Fact]
    public void A_dot_product_of_different_lengths_is_refused() => Assert.Throws<ArgumentException>(() => Reductions.Dot(new float[2], new float[3]));

    [Theory, InlineData(1, 1), InlineData(3, 8), InlineData(5, 21)]
    public void Columns_are_summed_row_by_row_in_double(int rows, int width)
    {
        var matrix = LayerCases.Random("matrix", rows * width);
        var sums = new float[width];
        Columns.Sum(matrix, sums, rows);
        for (var column = 0; column < width; column++)
        {
            var sum = 0.0;
            for (var row = 0; row < rows; row++)
            {
                sum += matrix[(row * width) + column];
            }

            Assert.Equal((float)sum, sums[column]);
        }
    }

    private static double Tree(IEnumerable<double> terms)
    {
        var l = new double[8];
        foreach (var (term, i) in terms.Select((term, i) => (term, i)))
        {
            l[i % 8] += term;
        }

        return (l[0] + l[4] + (l[2] + l[6])) + (l[1] + l[5] + (l[3] + l[7]));
    }
}
