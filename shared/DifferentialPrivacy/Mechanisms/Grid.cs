using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>The grid on which sums are made and noised: σ is 2²⁰ steps, γ = σ·2⁻²⁰.</summary>
/// <param name="Step">γ, in the units of what is summed.</param>
internal readonly record struct Grid(double Step)
{
    /// <summary>σ in steps is 2 to this power.</summary>
    public const int Log2Sigma = 20;

    // Adding and subtracting 1.5·2⁵² leaves an integer below 2⁵¹ in the low bits of a double.
    private const double Shift = 6755399441055744;
    private const double LargestSteps = 1L << 50;
    private const double LargestSum = 1L << 61;

    /// <summary>The grid for noise of standard deviation <paramref name="sigma"/>.</summary>
    /// <param name="sigma">σ, finite and above 0.</param>
    /// <param name="bound">Largest magnitude of a value; for vectors of norm C at most C.</param>
    /// <param name="count">Vectors in a sum.</param>
    /// <exception cref="ArgumentException">The sum might leave 64 bits.</exception>
    public static Grid For(double sigma, double bound, int count)
    {
        var step = Math.ScaleB(sigma, -Log2Sigma);
        var steps = (bound / step) + 1;
        if (!(step > 0) || !(steps <= LargestSteps) || !(steps * count <= LargestSum))
        {
            throw new ArgumentException(
                $"{count} values of up to {bound} with noise of {sigma} do not fit sums of 64 bits on a grid of {step}; expected more noise or fewer values.",
                nameof(sigma));
        }

        return new Grid(step);
    }

    /// <summary>Adds clipped values to the sums: each scaled, rounded to float as a clip does, and truncated toward zero to whole steps.</summary>
    /// <param name="values">Shape [n].</param>
    /// <param name="factor">Of the clip, in [0, 1]. With it every magnitude is at most the bound.</param>
    /// <param name="sums">In steps, shape [n].</param>
    public void Add(ReadOnlySpan<float> values, double factor, Span<long> sums)
    {
        var to = MemoryMarshal.Cast<long, Vector512<long>>(sums);
        for (var i = 0; i < to.Length; i++)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(values.Slice(i * Vector512<long>.Count, Vector512<long>.Count)));
            to[i] += InSteps(Vector512.Create(low, high), factor);
        }

        for (var i = to.Length * Vector512<long>.Count; i < values.Length; i++)
        {
            sums[i] += InSteps(Vector512.Create((double)values[i]), factor).ToScalar();
        }
    }

    /// <summary>A number of steps in the units of what is summed.</summary>
    public double Units(long steps) => steps * Step;

    private Vector512<long> InSteps(Vector512<double> values, double factor)
    {
        var scaled = values * Vector512.Create(factor);
        var clipped = Vector512.Widen(Vector512.Narrow(scaled, scaled)).Lower;
        var whole = Vector512.Truncate(clipped / Vector512.Create(Step));
        return (whole + Vector512.Create(Shift)).AsInt64() - Vector512.Create(Shift).AsInt64();
    }
}
