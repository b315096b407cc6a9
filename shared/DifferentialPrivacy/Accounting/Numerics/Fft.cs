using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.DifferentialPrivacy.Accounting.Numerics;

/// <summary>Discrete Fourier transform of complex vectors whose length is a power of two.</summary>
/// <remarks>
/// Decimation in frequency forward and in time backward, so the spectrum stands in bit-reversed order and nothing is ever permuted; halves are transformed
/// depth first, so all but the outermost passes work in the cache. Twiddles come from <see cref="Math.SinCos"/> once for each length and are kept.
/// <para>Rounding: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem 24.2: the error is at most
/// <see cref="RelativeError"/> times the result, in the Euclidean norm.</para>
/// </remarks>
public sealed class Fft
{
    public const int SmallestLength = 8;
    private const int Leaf = 4;
    private const int Lanes = 4;
    public const int LargestLength = 1 << 22;

    private static readonly ConcurrentDictionary<int, Fft> Kept = new();

    // For each pass from the longest to the shortest, the n/2 factors e^(−2πij/n).
    private readonly double[][] _cosines;
    private readonly double[][] _sines;

    private Fft(int length)
    {
        Length = length;
        var passes = int.Log2(length);
        (_cosines, _sines) = (new double[passes][], new double[passes][]);
        for (var pass = 0; pass < passes; pass++)
        {
            var size = length >> pass;
            var (cosines, sines) = (new double[size / 2], new double[size / 2]);
            for (var j = 0; j < size / 2; j++)
            {
                var (sin, cos) = pass == 0 ? Math.SinCos(-2 * Math.PI * j / size) : (_sines[pass - 1][2 * j], _cosines[pass - 1][2 * j]);
                (cosines[j], sines[j]) = (cos, sin);
            }

            (_cosines[pass], _sines[pass]) = (cosines, sines);
        }
    }

    public int Length { get; }

    /// <summary>
    /// log₂N·(μ + γ₄(√2 + μ)) with twiddle error μ of two rounding units, doubled to leave no question of constants.
    /// </summary>
    public double RelativeError => 2 * int.Log2(Length) * 8.5 * 1.1102230246251565e-16;

    /// <summary>The transform of a length, a power of two in [<see cref="SmallestLength"/>, <see cref="LargestLength"/>].</summary>
    public static Fft Of(int length) => int.IsPow2(length) && length is >= SmallestLength and <= LargestLength
        ? Kept.GetOrAdd(length, static n => new Fft(n))
        : throw new ArgumentOutOfRangeException(nameof(length), length, $"Expected a power of two from {SmallestLength} to {LargestLength}.");

    /// <summary>X_k = Σ x_j·e^(−2πijk/N) in place, k in bit-reversed order.</summary>
    public void Forward(Span<double> real, Span<double> imaginary) => Forward(Checked(real), Checked(imaginary), 0);

    /// <summary>The inverse of <see cref="Forward(Span{double}, Span{double})"/>, division by N included.</summary>
    public void Backward(Span<double> real, Span<double> imaginary)
    {
        Backward(Checked(real), Checked(imaginary), 0);
        var scale = 1.0 / Length;
        for (var i = 0; i < Length; i++)
        {
            real[i] *= scale;
            imaginary[i] *= scale;
        }
    }

    /// <summary>Where −k stands when k stands at <paramref name="position"/>: in each block [2^m, 2^(m+1)) the order is reversed.</summary>
    public static int Opposite(int position) => position == 0 ? 0 : (3 << int.Log2(position)) - 1 - position;

    private Span<double> Checked(Span<double> values) =>
        values.Length == Length ? values : throw new ArgumentException($"A span of {values.Length} values, expected {Length}.");

    private void Forward(Span<double> re, Span<double> im, int pass)
    {
        if (re.Length == Leaf)
        {
            ForwardLeaves(re, im);
            return;
        }

        var half = re.Length / 2;
        ref var lowRe = ref MemoryMarshal.GetReference(re);
        ref var lowIm = ref MemoryMarshal.GetReference(im);
        ref var highRe = ref Unsafe.Add(ref lowRe, half);
        ref var highIm = ref Unsafe.Add(ref lowIm, half);
        ref var cosines = ref MemoryMarshal.GetArrayDataReference(_cosines[pass]);
        ref var sines = ref MemoryMarshal.GetArrayDataReference(_sines[pass]);
        for (nuint j = 0; j < (nuint)half; j += Lanes)
        {
            var (ar, ai) = (Vector256.LoadUnsafe(ref lowRe, j), Vector256.LoadUnsafe(ref lowIm, j));
            var (br, bi) = (Vector256.LoadUnsafe(ref highRe, j), Vector256.LoadUnsafe(ref highIm, j));
            var (cos, sin) = (Vector256.LoadUnsafe(ref cosines, j), Vector256.LoadUnsafe(ref sines, j));
            var (dr, di) = (ar - br, ai - bi);
            (ar + br).StoreUnsafe(ref lowRe, j);
            (ai + bi).StoreUnsafe(ref lowIm, j);
            ((dr * cos) - (di * sin)).StoreUnsafe(ref highRe, j);
            ((dr * sin) + (di * cos)).StoreUnsafe(ref highIm, j);
        }

        Forward(re[..half], im[..half], pass + 1);
        Forward(re[half..], im[half..], pass + 1);
    }

    private void Backward(Span<double> re, Span<double> im, int pass)
    {
        if (re.Length == Leaf)
        {
            BackwardLeaves(re, im);
            return;
        }

        var half = re.Length / 2;
        Backward(re[..half], im[..half], pass + 1);
        Backward(re[half..], im[half..], pass + 1);
        ref var lowRe = ref MemoryMarshal.GetReference(re);
        ref var lowIm = ref MemoryMarshal.GetReference(im);
        ref var highRe = ref Unsafe.Add(ref lowRe, half);
        ref var highIm = ref Unsafe.Add(ref lowIm, half);
        ref var cosines = ref MemoryMarshal.GetArrayDataReference(_cosines[pass]);
        ref var sines = ref MemoryMarshal.GetArrayDataReference(_sines[pass]);
        for (nuint j = 0; j < (nuint)half; j += Lanes)
        {
            var (ar, ai) = (Vector256.LoadUnsafe(ref lowRe, j), Vector256.LoadUnsafe(ref lowIm, j));
            var (br, bi) = (Vector256.LoadUnsafe(ref highRe, j), Vector256.LoadUnsafe(ref highIm, j));
            var (cos, sin) = (Vector256.LoadUnsafe(ref cosines, j), Vector256.LoadUnsafe(ref sines, j));
            var (tr, ti) = ((br * cos) + (bi * sin), (bi * cos) - (br * sin));
            (ar + tr).StoreUnsafe(ref lowRe, j);
            (ai + ti).StoreUnsafe(ref lowIm, j);
            (ar - tr).StoreUnsafe(ref highRe, j);
            (ai - ti).StoreUnsafe(ref highIm, j);
        }
    }

    /// <summary>The last two passes, whose factors are 1 and −i.</summary>
    private static void ForwardLeaves(Span<double> re, Span<double> im)
    {
        var (r0, r1, r2, r3) = (re[0], re[1], re[2], re[3]);
        var (i0, i1, i2, i3) = (im[0], im[1], im[2], im[3]);
        var (s0, s1, d0, d1) = (r0 + r2, r1 + r3, r0 - r2, r1 - r3);
        var (t0, t1, e0, e1) = (i0 + i2, i1 + i3, i0 - i2, i1 - i3);
        (re[0], re[1], re[2], re[3]) = (s0 + s1, s0 - s1, d0 + e1, d0 - e1);
        (im[0], im[1], im[2], im[3]) = (t0 + t1, t0 - t1, e0 - d1, e0 + d1);
    }

    private static void BackwardLeaves(Span<double> re, Span<double> im)
    {
        var (r0, r1, r2, r3) = (re[0], re[1], re[2], re[3]);
        var (i0, i1, i2, i3) = (im[0], im[1], im[2], im[3]);
        var (s0, s1, d0, d1) = (r0 + r1, r0 - r1, r2 + r3, r2 - r3);
        var (t0, t1, e0, e1) = (i0 + i1, i0 - i1, i2 + i3, i2 - i3);
        (re[0], re[1], re[2], re[3]) = (s0 + d0, s1 - e1, s0 - d0, s1 + e1);
        (im[0], im[1], im[2], im[3]) = (t0 + e0, t1 + d1, t0 - e0, t1 - d1);
    }
}
