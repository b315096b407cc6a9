namespace FlEvents.DifferentialPrivacy.Mechanisms;

/// <summary>Poisson batches: each example enters independently with probability q, so the size of a batch is random and may be 0.</summary>
public static class PoissonSampling
{
    /// <summary>
    /// Chooses each of 0 … <paramref name="count"/> − 1 with probability ⌊q·2⁶⁴⌋/2⁶⁴, which is q for every q of at least 2⁻¹¹, and never above it.
    /// </summary>
    /// <param name="count">At least 0.</param>
    /// <param name="rate">q in (0, 1].</param>
    /// <param name="chosen">Receives those chosen, in ascending order; at least <paramref name="count"/> long.</param>
    /// <param name="random">Asked for about four bytes an example.</param>
    /// <returns>How many were chosen.</returns>
    /// <exception cref="ArgumentException">q is out of range, or <paramref name="chosen"/> too short.</exception>
    public static int Draw(int count, double rate, Span<int> chosen, RandomBytes random)
    {
        CheckRate(rate);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (chosen.Length < count)
        {
            throw new ArgumentException($"Room for {chosen.Length} choices; expected {count}.", nameof(chosen));
        }

        if (rate == 1)
        {
            for (var i = 0; i < count; i++)
            {
                chosen[i] = i;
            }

            return count;
        }

        var threshold = (ulong)Math.ScaleB(rate, 64);
        var (high, low) = ((uint)(threshold >> 32), (uint)threshold);
        var words = new RandomWords(random, stackalloc uint[Math.Min(RandomWords.BlockLength, count + 1)]);
        var size = 0;
        try
        {
            for (var i = 0; i < count; i++)
            {
                // Written in any case and kept by counting: no branch to mispredict.
                var word = words.Next();
                chosen[size] = i;
                size += word < high || (word == high && words.Next() < low) ? 1 : 0;
            }
        }
        finally
        {
            words.Dispose();
        }

        return size;
    }

    /// <exception cref="ArgumentOutOfRangeException">q is not in (0, 1].</exception>
    private static void CheckRate(double rate)
    {
        if (!(rate > 0 && rate <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(rate), rate, $"The sampling rate is {rate}; expected a number in (0, 1].");
        }
    }
}
