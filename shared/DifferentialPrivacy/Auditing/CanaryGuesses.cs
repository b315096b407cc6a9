namespace FlEvents.DifferentialPrivacy.Auditing;

/// <summary>What guesses about canaries came to.</summary>
/// <param name="Canaries">m.</param>
/// <param name="Guesses">Of the plan that proves the most.</param>
/// <param name="Correct">Of these.</param>
/// <param name="Epsilon">The ε that they refute, corrected for having looked at every plan; 0 refutes nothing.</param>
/// <param name="Ceiling">The ε that so many canaries could refute at the most, with every guess right.</param>
public readonly record struct CanaryOutcome(int Canaries, int Guesses, int Correct, double Epsilon, double Ceiling);

/// <summary>Guesses who is in by scores: the highest are guessed in, as many of the lowest out, and of the others nothing is said.</summary>
/// <remarks>
/// How many are guessed is not chosen by what comes out right. Six numbers are fixed beforehand, from a 32nd of the canaries to all of them, and each is
/// tested at a sixth of 1 − confidence, so the largest of the six bounds holds with the confidence asked for (union bound).
/// </remarks>
public static class CanaryGuesses
{
    private static readonly int[] Divisors = [1, 2, 4, 8, 16, 32];

    // 2mδ in multiples of a plan's level. What it multiplies in the theorem, at most the mass of W next to v, is a few hundredths.
    private const double LevelsInDelta = 10;

    /// <summary>The numbers of guesses that are tried for m canaries: even, in descending order, each once.</summary>
    /// <param name="canaries">m, at least 2.</param>
    public static IReadOnlyList<int> Plans(int canaries)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(canaries, 2);
        return [.. Divisors.Select(divisor => 2 * Math.Max(1, canaries / (2 * divisor))).Distinct()];
    }

    /// <summary>
    /// The δ at which guesses contradict a Gaussian claim best: ten times (1 − confidence)/6 over 2m. The theorem's term in 2mδ then takes some 3 % of the
    /// bound; at a larger δ it takes all of it, and at a smaller one the ε that is claimed is larger for no gain.
    /// </summary>
    /// <param name="canaries">m, at least 2.</param>
    /// <param name="confidence">In (0, 1).</param>
    public static double Delta(int canaries, double confidence)
    {
        OneRunBound.CheckConfidence(confidence);
        return Math.Min(0.5, LevelsInDelta * (1 - confidence) / Plans(canaries).Count / (2.0 * canaries));
    }

    /// <summary>Guesses by scores, and what that proves.</summary>
    /// <param name="scores">Of each canary, from the release alone: the larger, the more likely it is in. Shape [m], no NaN.</param>
    /// <param name="included">Who is in, by independent coins that the scores' maker did not see; shape [m].</param>
    /// <param name="delta">δ, in [0, 1).</param>
    /// <param name="confidence">In (0, 1): the ε is above that of a private release with probability at most 1 − confidence.</param>
    /// <exception cref="ArgumentException">A value is out of range, or the lengths differ.</exception>
    public static CanaryOutcome Judge(ReadOnlySpan<double> scores, ReadOnlySpan<bool> included, double delta, double confidence)
    {
        OneRunBound.CheckConfidence(confidence);
        if (scores.Length != included.Length || scores.ContainsAnyNaN())
        {
            throw new ArgumentException($"{scores.Length} scores of {included.Length} canaries; expected one number for each.", nameof(scores));
        }

        if (!(delta >= 0 && delta < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(delta), delta, $"δ is {delta}; expected a number in [0, 1).");
        }

        var canaries = scores.Length;
        var plans = Plans(canaries);
        var level = (1 - confidence) / plans.Count;
        var order = Ascending(scores);
        var best = default(CanaryOutcome);
        foreach (var guesses in plans)
        {
            var correct = 0;
            for (var i = 0; i < guesses / 2; i++)
            {
                correct += (included[order[i]] ? 0 : 1) + (included[order[canaries - 1 - i]] ? 1 : 0);
            }

            var epsilon = OneRunBound.Refuted(canaries, guesses, correct, delta, level);
            if (best.Canaries == 0 || epsilon > best.Epsilon)
            {
                best = new CanaryOutcome(canaries, guesses, correct, epsilon, 0);
            }
        }

        return best with { Ceiling = plans.Max(guesses => OneRunBound.Refuted(canaries, guesses, guesses, delta, level)) };
    }

    private static int[] Ascending(ReadOnlySpan<double> scores)
    {
        var keys = scores.ToArray();
        var order = Enumerable.Range(0, keys.Length).ToArray();
        Array.Sort(keys, order);
        return order;
    }

    private static bool ContainsAnyNaN(this ReadOnlySpan<double> values)
    {
        foreach (var value in values)
        {
            if (double.IsNaN(value))
            {
                return true;
            }
        }

        return false;
    }
}
