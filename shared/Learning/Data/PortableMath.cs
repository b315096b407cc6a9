namespace FlEvents.Learning.Data;

/// <summary>
/// Exponential, logarithm, sine and cosine in double from additions, multiplications and divisions alone: the same bits on every machine, where
/// those of <see cref="Math"/> are the platform's. Relative error at most 2⁻⁵⁰ (sine and cosine: absolute error at most 2⁻⁵⁰).
/// </summary>
/// <remarks>Range reduction, then the Taylor or atanh series with a remainder below 2⁻⁵⁵ on the reduced range. No fused multiply-add.</remarks>
public static class PortableMath
{
    // ln 2 and π/2 in two parts; the first has its low bits clear, so that a small integer times it is exact (Cody and Waite 1980).
    private const double Ln2High = 6.93147180369123816490e-01;
    private const double Ln2Low = 1.90821492927058770002e-10;
    private const double HalfPiHigh = 1.57079632673412561417e+00;
    private const double HalfPiLow = 6.07710050650619224932e-11;
    private const double SqrtHalf = 0.70710678118654752440;

    /// <summary>eˣ.</summary>
    /// <param name="x">At most 709, where the result is still a normal number; below −708 the result is 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="x"/> is NaN or above 709.</exception>
    public static double Exp(double x)
    {
        if (!(x <= 709))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "At most 709.");
        }

        if (x < -708)
        {
            return 0;
        }

        var k = Math.Floor((x / (Ln2High + Ln2Low)) + 0.5);
        var r = x - (k * Ln2High) - (k * Ln2Low);

        // Σ rⁿ/n! up to n = 14 by Horner's rule; |r| ≤ 0.347.
        var sum = 1.0;
        for (var n = 14; n >= 1; n--)
        {
            sum = 1 + (r / n * sum);
        }

        return sum * BitConverter.Int64BitsToDouble(((long)k + 1023) << 52);
    }

    /// <summary>Natural logarithm.</summary>
    /// <param name="x">Normal, finite and above 0.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="x"/> is not so.</exception>
    public static double Log(double x)
    {
        if (!double.IsNormal(x) || x < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "Normal, finite and above 0.");
        }

        var bits = BitConverter.DoubleToInt64Bits(x);
        var exponent = (int)(bits >> 52) - 1022;
        var m = BitConverter.Int64BitsToDouble((bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FE0_0000_0000_0000);
        if (m < SqrtHalf)
        {
            m *= 2;
            exponent--;
        }

        // log m = 2 atanh(s) with s = (m − 1)/(m + 1), |s| ≤ 0.172: 2s Σ s²ⁿ/(2n + 1) up to n = 11.
        var s = (m - 1) / (m + 1);
        var square = s * s;
        var sum = 0.0;
        for (var n = 11; n >= 1; n--)
        {
            sum = square * (sum + (1.0 / ((2 * n) + 1)));
        }

        return (exponent * Ln2High) + ((exponent * Ln2Low) + (2 * s * sum) + (2 * s));
    }

    /// <summary>Sine and cosine of an angle in radians.</summary>
    /// <param name="x">Within ±1000.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="x"/> is NaN or outside.</exception>
    public static (double Sin, double Cos) SinCos(double x)
    {
        if (!(x is >= -1000 and <= 1000))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "Within ±1000.");
        }

        var k = Math.Floor((x / (HalfPiHigh + HalfPiLow)) + 0.5);
        var r = x - (k * HalfPiHigh) - (k * HalfPiLow);
        var square = r * r;

        // Taylor up to r¹⁷ and r¹⁸ by Horner's rule; |r| ≤ 0.786.
        var sin = 1.0;
        var cos = 1.0;
        for (var n = 18; n >= 2; n -= 2)
        {
            sin = n == 18 ? 1 : 1 - (square / (n * (n + 1)) * sin);
            cos = 1 - (square / (n * (n - 1)) * cos);
        }

        sin *= r;
        return ((long)k & 3) switch
        {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        };
    }
}
