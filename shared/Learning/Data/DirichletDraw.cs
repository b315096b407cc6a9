using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Data;

/// <summary>Draws from a Dirichlet distribution with the same bits on every machine, also where its concentrations are tiny.</summary>
public static class DirichletDraw
{
    /// <summary>Draws shares ~ Dir(a): gamma variates over their sum, taken as logarithms so that not all of them can round to 0.</summary>
    /// <param name="concentration">a, each above 0; shape [K].</param>
    /// <param name="shares">Receives the shares, which sum to 1 up to rounding; shape [K].</param>
    /// <exception cref="ArgumentOutOfRangeException">A concentration is not above 0 and finite.</exception>
    public static void Shares(ReadOnlySpan<double> concentration, SeededRandom random, Span<double> shares)
    {
        var largest = double.NegativeInfinity;
        for (var k = 0; k < concentration.Length; k++)
        {
            shares[k] = LogGamma(concentration[k], random);
            largest = Math.Max(largest, shares[k]);
        }

        var sum = 0.0;
        foreach (ref var share in shares)
        {
            share = PortableMath.Exp(share - largest);
            sum += share;
        }

        foreach (ref var share in shares)
        {
            share /= sum;
        }
    }

    /// <summary>Logarithm of a gamma variate of a shape and scale 1.</summary>
    /// <param name="shape">a &gt; 0, finite.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="shape"/> is not so.</exception>
    /// <remarks>
    /// Marsaglia and Tsang 2000, doi:10.1145/358407.358414: for a ≥ 1 d v with d = a − 1/3, v = (1 + x/√(9d))³, accepted by their exact test; for
    /// a &lt; 1 a variate of a + 1 times U^(1/a) (section 6).
    /// </remarks>
    public static double LogGamma(double shape, SeededRandom random)
    {
        if (!(shape > 0 && double.IsFinite(shape)))
        {
            throw new ArgumentOutOfRangeException(nameof(shape), shape, "The shape of a gamma distribution is above 0 and finite.");
        }

        if (shape < 1)
        {
            return LogGamma(shape + 1, random) + (PortableMath.Log(Positive(random)) / shape);
        }

        var d = shape - (1.0 / 3);
        var c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            var x = Normal(random);
            var root = 1 + (c * x);
            if (root <= 0)
            {
                continue;
            }

            var v = root * root * root;
            var logV = PortableMath.Log(v);
            if (PortableMath.Log(Positive(random)) < (0.5 * x * x) + d - (d * v) + (d * logV))
            {
                return PortableMath.Log(d) + logV;
            }
        }
    }

    /// <summary>Standard normal by the polar method (Marsaglia and Bray 1964).</summary>
    private static double Normal(SeededRandom random)
    {
        while (true)
        {
            var x = (2 * random.NextDouble()) - 1;
            var y = (2 * random.NextDouble()) - 1;
            var squared = (x * x) + (y * y);
            if (squared is > 0 and < 1)
            {
                return x * Math.Sqrt(-2 * PortableMath.Log(squared) / squared);
            }
        }
    }

    /// <summary>Uniform in (0, 1].</summary>
    private static double Positive(SeededRandom random) => 1 - random.NextDouble();
}
