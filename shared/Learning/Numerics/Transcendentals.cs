using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Learning.Numerics;

/// <summary>Exponential, logarithm and hyperbolic tangent made of exactly rounded operations alone: the same bits on every machine.</summary>
/// <remarks>The errors stated are the largest seen over the test's grids, rounded up. NaN gives NaN.</remarks>
public static class Transcendentals
{
    // ln 2 in two parts: the first has fifteen trailing zero bits, so that n·Ln2High is exact for |n| < 2¹⁵.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;
    private const float Log2OfE = 1.44269504f;
    private const double Ln2 = 0.693147180559945309417232121458;

    // Adding and subtracting 1.5·2²³ rounds to the nearest integer, and leaves it in the low bits of the sum.
    private const float RoundingShift = 12582912f;

    /// <summary>e^x for each value, in place; within 1.1 units in the last place, subnormal results included, and ∞ above 88.7228.</summary>
    public static void Exp(Span<float> values) => Apply<ExpFunction>(values);

    /// <summary>tanh x for each value, in place; within 1.6 units in the last place.</summary>
    public static void Tanh(Span<float> values) => Apply<TanhFunction>(values);

    /// <summary>e^x = 2ⁿ·e^r with |r| ≤ ½ ln 2, and e^r as its Taylor sum to r⁷/7!, which is within 6·10⁻⁹ of it.</summary>
    public static Vector256<float> Exp(Vector256<float> x)
    {
        // Beyond these bounds the result is 0 or ∞ anyway, and n stays small. A comparison with NaN is false, so NaN passes.
        x = Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256.Create(89f)), Vector256.Create(89f), x);
        x = Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256.Create(-104f)), Vector256.Create(-104f), x);
        var shifted = Vector256.FusedMultiplyAdd(x, Vector256.Create(Log2OfE), Vector256.Create(RoundingShift));
        var n = shifted - Vector256.Create(RoundingShift);
        var r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2High), x);
        r = Vector256.FusedMultiplyAdd(n, Vector256.Create(-Ln2Low), r);
        var sum = Vector256.Create(1f / 5040);
        sum = Vector256.FusedMultiplyAdd(sum, r, Vector256.Create(1f / 720));
        sum = Vector256.FusedMultiplyAdd(sum, r, Vector256.Create(1f / 120));
        sum = Vector256.FusedMultiplyAdd(sum, r, Vector256.Create(1f / 24));
        sum = Vector256.FusedMultiplyAdd(sum, r, Vector256.Create(1f / 6));
        sum = Vector256.FusedMultiplyAdd(sum, r, Vector256.Create(0.5f));
        sum = Vector256.FusedMultiplyAdd(sum, r, Vector256.Create(1f));
        sum = Vector256.FusedMultiplyAdd(sum, r, Vector256.Create(1f));

        // 2ⁿ in two factors, since 2¹²⁸ and 2⁻¹⁴⁹ are not normal numbers. The first product is exact.
        var exponent = shifted.AsInt32() - Vector256.Create(RoundingShift).AsInt32();
        var half = Vector256.ShiftRightArithmetic(exponent, 1);
        return sum * PowerOfTwo(half) * PowerOfTwo(exponent - half);
    }

    /// <summary>tanh x: below ⅝ Lambert's continued fraction x/(1 + x²/(3 + x²/(5 + …))) cut after 13, above it 1 − 2/(e^2x + 1).</summary>
    /// <remarks>
    /// The fraction cut after 13 is x·t/b with t = 135135 + 17325x² + 378x⁴ + x⁶ and b = 135135 + 62370x² + 3150x⁴ + 28x⁶. As x − x·(b − t)/b only a
    /// small part of the result carries the rounding of t and b.
    /// </remarks>
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        var magnitude = Vector256.Abs(x);
        var sign = x.AsInt32() & Vector256.Create(int.MinValue);
        var square = x * x;
        var top = Vector256.FusedMultiplyAdd(square, Vector256.Create(27f), Vector256.Create(2772f));
        top = Vector256.FusedMultiplyAdd(top, square, Vector256.Create(45045f)) * square;
        var bottom = Vector256.FusedMultiplyAdd(square, Vector256.Create(28f), Vector256.Create(3150f));
        bottom = Vector256.FusedMultiplyAdd(bottom, square, Vector256.Create(62370f));
        bottom = Vector256.FusedMultiplyAdd(bottom, square, Vector256.Create(135135f));
        var small = Vector256.FusedMultiplyAdd(-magnitude, top / bottom, magnitude);
        var large = Vector256.Create(1f) - (Vector256.Create(2f) / (Exp(magnitude + magnitude) + Vector256.Create(1f)));
        var result = Vector256.ConditionalSelect(Vector256.LessThan(magnitude, Vector256.Create(0.625f)), small, large);
        return (result.AsInt32() | sign).AsSingle();
    }

    /// <summary>ln x for a positive, finite x within 3 units in the last place; −∞ for 0, NaN below it.</summary>
    /// <remarks>
    /// x = 2ᵉ·m with √½ ≤ m &lt; √2, and ln m = 2 artanh s with s = (m − 1)/(m + 1), |s| &lt; 0.1716, by its series to s²³/23: the next term is below
    /// 10⁻¹⁹. In double and one at a time: a loss takes one logarithm an example.
    /// </remarks>
    public static double Log(double x)
    {
        if (!(x > 0) || double.IsPositiveInfinity(x))
        {
            return x == 0 ? double.NegativeInfinity : x > 0 ? x : double.NaN;
        }

        var shift = 0;
        if (!double.IsNormal(x))
        {
            x *= 1L << 54;
            shift = -54;
        }

        var bits = BitConverter.DoubleToInt64Bits(x);
        var exponent = (int)(bits >> 52) - 1022;
        var m = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | (1022L << 52));
        if (m < 0.70710678118654752)
        {
            m *= 2;
            exponent--;
        }

        var s = (m - 1) / (m + 1);
        var square = s * s;
        var sum = 0.0;
        for (var power = 23; power >= 1; power -= 2)
        {
            sum = (sum * square) + (1.0 / power);
        }

        return ((exponent + shift) * Ln2) + (2 * s * sum);
    }

    private static Vector256<float> PowerOfTwo(Vector256<int> n) => Vector256.ShiftLeft(n + Vector256.Create(127), 23).AsSingle();

    // A type argument rather than a delegate, so that the function is compiled into the loop.
    private interface IFunction
    {
        static abstract Vector256<float> Of(Vector256<float> x);
    }

    private readonly struct ExpFunction : IFunction
    {
        public static Vector256<float> Of(Vector256<float> x) => Exp(x);
    }

    private readonly struct TanhFunction : IFunction
    {
        public static Vector256<float> Of(Vector256<float> x) => Tanh(x);
    }

    private static void Apply<TFunction>(Span<float> values)
        where TFunction : struct, IFunction
    {
        var blocks = MemoryMarshal.Cast<float, Vector256<float>>(values);
        foreach (ref var block in blocks)
        {
            block = TFunction.Of(block);
        }

        var rest = values[(blocks.Length * Vector256<float>.Count)..];
        if (rest.Length > 0)
        {
            Span<float> padded = stackalloc float[Vector256<float>.Count];
            rest.CopyTo(padded);
            TFunction.Of(Vector256.Create<float>(padded)).CopyTo(padded);
            padded[..rest.Length].CopyTo(rest);
        }
    }
}
