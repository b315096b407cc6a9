namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>The discrete Gaussian, P(x) ∝ e^(−x²/2σ²) on the integers, for σ a power of two; drawn exactly, in integers alone.</summary>
/// <remarks>
/// Canonne, Kamath and Steinke 2020, arXiv:2004.00010, algorithms 2 and 3. Their proposal is a discrete Laplace of any scale t; they take t = ⌊σ⌋ + 1. Here t
/// = σ = 2ᵏ, so that the acceptance e^(−(|y| − σ²/t)²/2σ²) is e^(−(|y| − σ)²/2²ᵏ⁺¹), whose exponent is an integer over a power of two. Three draws of four
/// are accepted.
/// </remarks>
public static class DiscreteGaussianNoise
{
    private const int MaxLog2Sigma = 30;

    /// <summary>Overwrites each value with a draw; its magnitude is below 2⁶².</summary>
    /// <param name="values">Overwritten.</param>
    /// <param name="log2Sigma">k with σ = 2ᵏ, 0 to 30.</param>
    /// <param name="random">Asked for blocks of 16 KiB; what a block still holds at the end is wiped.</param>
    /// <exception cref="ArgumentOutOfRangeException">k is out of range.</exception>
    public static void Fill(Span<long> values, int log2Sigma, RandomBytes random)
    {
        if (log2Sigma is < 0 or > MaxLog2Sigma)
        {
            throw new ArgumentOutOfRangeException(nameof(log2Sigma), log2Sigma, $"The logarithm of σ is {log2Sigma}; expected 0 to {MaxLog2Sigma}.");
        }

        // A draw takes about eleven words.
        var words = new RandomWords(random, stackalloc uint[Math.Min(RandomWords.BlockLength, 16 * (values.Length + 1))]);
        try
        {
            foreach (ref var value in values)
            {
                value = Draw(log2Sigma, ref words);
            }
        }
        finally
        {
            words.Dispose();
        }
    }

    private static long Draw(int k, ref RandomWords words)
    {
        while (true)
        {
            var y = Laplace(k, ref words);
            var distance = (ulong)Math.Abs(Math.Abs(y) - (1L << k));
            if (Accepts(distance, k, ref words))
            {
                return y;
            }
        }
    }

    /// <summary>P(y) ∝ e^(−|y|/2ᵏ): a remainder below 2ᵏ and a number of whole 2ᵏ, drawn apart, with a sign; zero only with the positive one.</summary>
    private static long Laplace(int k, ref RandomWords words)
    {
        while (true)
        {
            // The remainder takes the high bits of a word and the sign the lowest; k is below 32.
            var word = words.Next();
            var remainder = (ulong)word >> (32 - k);
            if (k > 0 && !ExactBernoulli.ExpMinus(remainder << (64 - k), ref words))
            {
                continue;
            }

            // Beyond 2³¹ it would take e^(−2³¹): the check keeps the magnitude below 2⁶² without a doubt.
            var wholes = 0;
            while (ExactBernoulli.ExpMinusOne(ref words))
            {
                wholes = checked(wholes + 1);
            }

            var magnitude = (long)remainder + ((long)wholes << k);
            var isNegative = (word & 1) == 1;
            if (magnitude > 0 || !isNegative)
            {
                return isNegative ? -magnitude : magnitude;
            }
        }
    }

    /// <summary>True with probability e^(−d²/2²ᵏ⁺¹), the whole part of the exponent and its fraction one after the other.</summary>
    private static bool Accepts(ulong distance, int k, ref RandomWords words)
    {
        var bits = (2 * k) + 1;
        var square = (UInt128)distance * distance;
        for (var whole = square >> bits; whole > 0; whole--)
        {
            if (!ExactBernoulli.ExpMinusOne(ref words))
            {
                return false;
            }
        }

        return ExactBernoulli.ExpMinus((ulong)square << (64 - bits), ref words);
    }
}
