namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Coins whose probability is exact: integers alone, and as many random bits as the answer takes.</summary>
/// <remarks>
/// To decide U &lt; p for a uniform real U in [0, 1), its bits are drawn 32 at a time until every real that begins with them lies on one side of p. That needs
/// more than one word with probability below 2⁻³⁰.
/// </remarks>
internal static class ExactBernoulli
{
    /// <summary>True with probability e^(−x), x = <paramref name="fraction"/>·2⁻⁶⁴ in [0, 1).</summary>
    /// <remarks>
    /// Canonne, Kamath and Steinke 2020, arXiv:2004.00010, algorithm 1: the first j at which Bernoulli(x/j) fails is odd with probability 1 − x + x²/2! − … =
    /// e^(−x).
    /// </remarks>
    public static bool ExpMinus(ulong fraction, ref RandomWords words)
    {
        var j = 1u;
        while (IsBelow(fraction, j, ref words))
        {
            j++;
        }

        return j % 2 == 1;
    }

    /// <summary>True with probability e^(−1): as above with x = 1, whose first draw always succeeds.</summary>
    public static bool ExpMinusOne(ref RandomWords words)
    {
        var j = 2u;
        while (IsBelowScaled(1UL << 32, j, ref words))
        {
            j++;
        }

        return j % 2 == 1;
    }

    /// <summary>U·j &lt; x·2⁻⁶⁴ for a fresh U.</summary>
    private static bool IsBelow(ulong x, uint j, ref RandomWords words)
    {
        // With U = (w + U′)/2³²: w·j + U′·j < x/2³², where U′·j lies in [0, j).
        var product = (ulong)words.Next() * j;
        var whole = x >> 32;
        if (product > whole)
        {
            return false;
        }

        return product + j <= whole || IsBelowScaled(x - (product << 32), j, ref words);
    }

    /// <summary>U·j·2³² &lt; <paramref name="bound"/> for a fresh U.</summary>
    private static bool IsBelowScaled(ulong bound, uint j, ref RandomWords words)
    {
        while (true)
        {
            var product = (ulong)words.Next() * j;
            if (product >= bound)
            {
                return false;
            }

            if (product + j <= bound)
            {
                return true;
            }

            // Undecided: U′·j < bound − product, which is below j, with the next bits of U.
            bound = (bound - product) << 32;
        }
    }
}
