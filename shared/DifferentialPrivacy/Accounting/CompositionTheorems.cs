using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting;

/// <summary>Composition of mechanisms of which only (ε, δ) is known.</summary>
public static class CompositionTheorems
{
    private const long MostForOptimal = 1_000_000;

    // More than the relative error of the optimal δ.
    private const double Margin = 1e-10;

    /// <summary>Σεᵢ and Σδᵢ.</summary>
    /// <exception cref="ArgumentException">A part has no (ε, δ) of its own.</exception>
    public static EpsilonDelta Basic(PrivacyEvent composed)
    {
        var (epsilon, delta) = (0.0, 0.0);
        foreach (var (part, count) in Parts(composed))
        {
            epsilon += count * part.Epsilon;
            delta += count * part.Delta;
        }

        return new EpsilonDelta(epsilon, delta);
    }

    /// <summary>√(2 ln(1/δ′)·Σεᵢ²) + Σεᵢ(e^εᵢ − 1), with total δ = Σδᵢ + δ′: Dwork, Rothblum, Vadhan 2010, theorem III.3.</summary>
    /// <param name="composed">What happened.</param>
    /// <param name="delta">The total, above Σδᵢ and below 1.</param>
    /// <returns>+∞ when <paramref name="delta"/> is not above Σδᵢ.</returns>
    /// <exception cref="ArgumentException">A part has no (ε, δ) of its own.</exception>
    public static double AdvancedEpsilon(PrivacyEvent composed, double delta)
    {
        var slack = Require.Delta(delta) - Basic(composed).Delta;
        return slack > 0 ? AdvancedEpsilonWithSlack(composed, slack) : double.PositiveInfinity;
    }

    /// <summary>The same with δ′ given instead of the total.</summary>
    public static double AdvancedEpsilonWithSlack(PrivacyEvent composed, double slack)
    {
        var (squares, drift) = (0.0, 0.0);
        foreach (var (part, count) in Parts(composed))
        {
            squares += count * part.Epsilon * part.Epsilon;
            drift += count * part.Epsilon * LogArithmetic.ExpM1(part.Epsilon);
        }

        return Math.Sqrt(-2 * Math.Log(Require.Delta(slack)) * squares) + drift;
    }

    /// <summary>The exact δ(ε) of k mechanisms that are each (ε₀, δ₀)-private and nothing better.</summary>
    /// <remarks>
    /// Kairouz, Oh, Viswanath 2015, arXiv:1311.0776, theorem 3.3: the worst case is randomised response, whose loss after k times is (k − 2l)ε₀ with
    /// binomial probability. δ = 1 − (1−δ₀)^k·(1 − Σ_{(k−2l)ε₀ &gt; ε} C(k,l)·p^(k−l)·(1−p)^l·(1 − e^(ε − (k−2l)ε₀))), p = 1/(1 + e^(−ε₀)).
    /// </remarks>
    public static double OptimalDelta(double epsilonEach, double deltaEach, long count, double epsilon) =>
        OptimalDelta(LogBinomialMasses(epsilonEach, count), epsilonEach, deltaEach, epsilon);

    /// <summary>
    /// The smallest ε ≥ 0 at <paramref name="delta"/> by <see cref="OptimalDelta(double, double, long, double)"/>, from above; +∞ if there is none.
    /// </summary>
    public static double OptimalEpsilon(double epsilonEach, double deltaEach, long count, double delta)
    {
        Require.Delta(delta);
        var masses = LogBinomialMasses(epsilonEach, count);
        var (low, high) = (0.0, count * epsilonEach);
        if (!Holds(high))
        {
            return double.PositiveInfinity;
        }

        if (Holds(0))
        {
            return 0;
        }

        for (var i = 0; i < 100 && high - low > 1e-15 * high; i++)
        {
            var middle = 0.5 * (low + high);
            (low, high) = Holds(middle) ? (low, middle) : (middle, high);
        }

        return high;

        bool Holds(double epsilon) => OptimalDelta(masses, epsilonEach, deltaEach, epsilon) * (1 + Margin) <= delta;
    }

    private static double OptimalDelta(double[] logMasses, double epsilonEach, double deltaEach, double epsilon)
    {
        var count = logMasses.Length - 1;
        var sum = 0.0;
        for (var l = 0; l <= count; l++)
        {
            var excess = ((count - (2.0 * l)) * epsilonEach) - epsilon;
            if (excess <= 0)
            {
                break;
            }

            sum -= Math.Exp(logMasses[l]) * LogArithmetic.ExpM1(-excess);
        }

        var nothingInfinite = count * LogArithmetic.LogP1(-Require.BelowOne(deltaEach));
        return sum - ((1 - sum) * LogArithmetic.ExpM1(nothingInfinite));
    }

    /// <summary>ln of the probability of l losses of −ε₀ among k.</summary>
    private static double[] LogBinomialMasses(double epsilonEach, long count) =>
        BinomialDistribution.LogMasses((int)Require.Between(count, 1, MostForOptimal), -Require.NotNegative(epsilonEach));

    private static IEnumerable<(EpsilonDeltaEvent Part, long Count)> Parts(PrivacyEvent composed) =>
        EventParts.Of(composed).Select(part => (
            part.Event switch
            {
                EpsilonDeltaEvent e => e,
                LaplaceEvent e => new EpsilonDeltaEvent(1 / e.NoiseMultiplier, 0),
                DiscreteLaplaceEvent e => new EpsilonDeltaEvent(e.Parameter * e.Sensitivity, 0),
                var other => throw new ArgumentException(
                    $"{PrivacyEventText.Write(other)} has no (ε, δ) of its own, expected events of type epsilonDelta, laplace or discreteLaplace.",
                    nameof(composed)),
            },
            part.Count));
}

/// <summary>A pair (ε, δ) that was proved.</summary>
public readonly record struct EpsilonDelta(double Epsilon, double Delta);
