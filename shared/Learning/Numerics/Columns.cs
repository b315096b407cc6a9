using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Numerics;

/// <summary>Sums down the columns of a matrix.</summary>
public static class Columns
{
    /// <summary>Each column's own sum in double, row by row from the first, then rounded to float.</summary>
    /// <param name="matrix">Shape [<paramref name="rows"/>, n].</param>
    /// <param name="sums">Shape [n].</param>
    /// <param name="rows">At least 0.</param>
    public static void Sum(ReadOnlySpan<float> matrix, Span<float> sums, int rows)
    {
        var width = sums.Length;
        var column = 0;
        for (; column <= width - 8; column += 8)
        {
            var low = Vector256<double>.Zero;
            var high = Vector256<double>.Zero;
            for (var row = 0; row < rows; row++)
            {
                var (first, second) = Vector256.Widen(Vector256.Create(matrix.Slice((row * width) + column, 8)));
                low += first;
                high += second;
            }

            Vector256.Narrow(low, high).CopyTo(sums.Slice(column, 8));
        }

        for (; column < width; column++)
        {
            var sum = 0.0;
            for (var row = 0; row < rows; row++)
            {
                sum += matrix[(row * width) + column];
            }

            sums[column] = (float)sum;
        }
    }
}
