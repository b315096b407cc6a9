namespace FlEvents.Learning.Evaluation;

/// <summary>How well scores rank the positive examples above the negative ones.</summary>
public static class RocCurve
{
    /// <summary>
    /// Area under the curve: the share of (positive, negative) pairs in which the positive scores higher, ties counting half. This is the
    /// Mann–Whitney statistic U / (n₁·n₀), counted in whole half pairs.
    /// </summary>
    /// <param name="scores">Shape [n].</param>
    /// <param name="isPositive">Tells of an index in [0, n).</param>
    /// <returns>In [0, 1]; null when a class is missing or a score is NaN.</returns>
    public static double? Area(ReadOnlySpan<float> scores, Func<int, bool> isPositive)
    {
        var sorted = scores.ToArray();
        var positive = new bool[sorted.Length];
        for (var i = 0; i < positive.Length; i++)
        {
            positive[i] = isPositive(i);
        }

        Array.Sort(sorted, positive);
        var (positives, negatives, halfPairs) = (0L, 0L, 0L);
        for (var i = 0; i < sorted.Length;)
        {
            var (tiedPositives, tiedNegatives) = (0L, 0L);
            var score = sorted[i];
            for (; i < sorted.Length && sorted[i] == score; i++)
            {
                tiedPositives += positive[i] ? 1 : 0;
                tiedNegatives += positive[i] ? 0 : 1;
            }

            if (float.IsNaN(score))
            {
                return null;
            }

            halfPairs += tiedPositives * ((2 * negatives) + tiedNegatives);
            positives += tiedPositives;
            negatives += tiedNegatives;
        }

        return positives == 0 || negatives == 0 ? null : halfPairs / (2.0 * positives * negatives);
    }
}
