using FlEvents.DifferentialPrivacy.Mechanisms;

namespace FlEvents.DifferentialPrivacy.Auditing;

/// <summary>Canaries as orthogonal vectors of one norm: canary i has every m-th coordinate from i on, all of one magnitude, with signs by coins.</summary>
/// <remarks>So each spans all tensors of a model, and clipping tensor by tensor would let it through with more than its norm.</remarks>
public sealed class CanaryVectors
{
    private readonly byte[] _signs;
    private readonly float[] _magnitudes;

    /// <param name="length">P, at least <paramref name="count"/>: no more vectors than that are orthogonal.</param>
    /// <param name="count">m, at least 1.</param>
    /// <param name="norm">ℓ₂ norm of each, finite and above 0, up to a relative 2⁻²⁴.</param>
    /// <param name="random">For the signs.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public CanaryVectors(int length, int count, double norm, RandomBytes random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Positive.Check(norm, nameof(norm), "The norm of a canary");
        if (length < count)
        {
            throw new ArgumentException($"{count} canaries can't be orthogonal in {length} parameters; expected at most as many canaries as parameters.", nameof(count));
        }

        Length = length;
        _signs = new byte[(length + 7) / 8];
        random(_signs);
        _magnitudes = [.. Enumerable.Range(0, count).Select(i => (float)(norm / Math.Sqrt(((length - 1 - i) / count) + 1)))];
    }

    /// <summary>P.</summary>
    public int Length { get; }

    /// <summary>m.</summary>
    public int Count => _magnitudes.Length;

    /// <summary>Coins for who is in: each with probability ½, independently.</summary>
    /// <param name="count">m, at least 0.</param>
    /// <param name="random">Asked for m bits.</param>
    public static bool[] Coins(int count, RandomBytes random)
    {
        var bits = new byte[(count + 7) / 8];
        random(bits);
        return [.. Enumerable.Range(0, count).Select(i => (bits[i / 8] >> (i % 8) & 1) == 1)];
    }

    /// <summary>Overwrites with a canary's values from a coordinate on.</summary>
    /// <param name="canary">From 0 to m − 1.</param>
    /// <param name="from">First coordinate, from 0.</param>
    /// <param name="values">Overwritten.</param>
    public void Read(int canary, int from, Span<float> values)
    {
        values.Clear();
        var magnitude = _magnitudes[canary];
        for (var i = (((canary - from) % Count) + Count) % Count; i < values.Length; i += Count)
        {
            values[i] = Sign(from + i) * magnitude;
        }
    }

    /// <summary>Inner products of a released vector with each canary's direction.</summary>
    /// <param name="released">Shape [P].</param>
    /// <returns>Shape [m].</returns>
    /// <exception cref="ArgumentException">The length is not P.</exception>
    public double[] Scores(ReadOnlySpan<float> released)
    {
        if (released.Length != Length)
        {
            throw new ArgumentException($"{released.Length} released values; expected {Length}.", nameof(released));
        }

        var scores = new double[Count];
        for (var i = 0; i < released.Length; i++)
        {
            scores[i % Count] += Sign(i) * released[i];
        }

        for (var canary = 0; canary < Count; canary++)
        {
            scores[canary] /= Math.Sqrt(((Length - 1 - canary) / Count) + 1);
        }

        return scores;
    }

    private float Sign(int coordinate) => (_signs[coordinate / 8] >> (coordinate % 8) & 1) == 1 ? 1 : -1;
}
