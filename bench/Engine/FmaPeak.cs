using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FlEvents.Bench.Engine;

/// <summary>What one core can do at most in the vectors the engine uses.</summary>
public static class FmaPeak
{
    private const int Steps = 200_000;
    private const int Chains = 10;

    /// <summary>Floating-point operations a second of fused multiply-adds on eight lanes, in chains that do not wait for each other.</summary>
    /// <remarks>The best of many runs: a peak is what was reached, not what is usual on a machine that others use too.</remarks>
    public static double OperationsPerSecond()
    {
        var best = double.PositiveInfinity;
        var sink = 0f;
        for (var i = 0; i < 200; i++)
        {
            var start = Stopwatch.GetTimestamp();
            sink += Run(0.999f, 1e-6f);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        GC.KeepAlive(sink);
        return Steps * (double)Chains * Vector256<float>.Count * 2 / best;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Run(float factor, float summand)
    {
        var (x, y) = (Vector256.Create(factor), Vector256.Create(summand));
        Vector256<float> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y;
        for (var step = 0; step < Steps; step++)
        {
            a = Vector256.FusedMultiplyAdd(a, x, y);
            b = Vector256.FusedMultiplyAdd(b, x, y);
            c = Vector256.FusedMultiplyAdd(c, x, y);
            d = Vector256.FusedMultiplyAdd(d, x, y);
            e = Vector256.FusedMultiplyAdd(e, x, y);
            f = Vector256.FusedMultiplyAdd(f, x, y);
            g = Vector256.FusedMultiplyAdd(g, x, y);
            h = Vector256.FusedMultiplyAdd(h, x, y);
            i = Vector256.FusedMultiplyAdd(i, x, y);
            j = Vector256.FusedMultiplyAdd(j, x, y);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j);
    }
}
