using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Auditing;

/// <summary>What correct guesses about canaries prove about ε: the bound of an audit by one run.</summary>
/// <remarks>
/// Steinke, Nasr and Jagielski 2023, arXiv:2305.08846, theorem 5.2. Of m canaries each is in with probability ½, independently. Whoever sees an (ε, δ)-private
/// release and makes at most r guesses has at least v of them right with probability at most P[W ≥ v] + 2mδ·max_{1≤i≤v} P[v &gt; W ≥ v − i]/i, with W the sum of r
/// independent Bernoulli(e^ε/(1 + e^ε)).
/// </remarks>
public static class OneRunBound
{
    private const int Halvings = 50;

    /// <summary>The largest probability with which an (ε, δ)-private release lets so many guesses come true.</summary>
    /// <param name="canaries">m, at least 1.</param>
    /// <param name="guesses">r, from 0 to m; on the other canaries nothing is said.</param>
    /// <param name="correct">v, from 0 to r.</param>
    /// <param name="epsilon">ε, finite and at least 0.</param>
    /// <param name="delta">δ, in [0, 1).</param>
    /// <returns>In [0, 1].</returns>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public static double PValue(int canaries, int guesses, int correct, double epsilon, double delta)
    {
        Check(canaries, guesses, correct, delta);
        return PValue(canaries, LogFactorials(guesses), correct, double.IsFinite(epsilon) && epsilon >= 0
            ? epsilon
            : throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, $"ε is {epsilon}; expected a finite number of at least 0."), delta);
    }

    /// <summary>The largest ε that the guesses refute: a release that is (ε, δ)-private for this or less would have given them with at most 1 − confidence.</summary>
    /// <param name="canaries">m, at least 1.</param>
    /// <param name="guesses">r, from 0 to m; chosen without a look at who is in.</param>
    /// <param name="correct">v, from 0 to r.</param>
    /// <param name="delta">δ, in [0, 1).</param>
    /// <param name="confidence">In (0, 1).</param>
    /// <returns>At least 0, which refutes nothing; rounded down.</returns>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public static double Epsilon(int canaries, int guesses, int correct, double delta, double confidence)
    {
        Check(canaries, guesses, correct, delta);
        CheckConfidence(confidence);
        return Refuted(canaries, guesses, correct, delta, 1 - confidence);
    }

    /// <param name="level">The probability of a bound above the truth, in (0, 1): 1 − confidence, which may be too close to 1 to say.</param>
    internal static double Refuted(int canaries, int guesses, int correct, double delta, double level)
    {
        var logFactorials = LogFactorials(guesses);
        var (low, high) = (0.0, 1.0);
        if (!Refutes(low))
        {
            return 0;
        }

        while (Refutes(high))
        {
            (low, high) = (high, 2 * high);
        }

        for (var i = 0; i < Halvings; i++)
        {
            var middle = 0.5 * (low + high);
            (low, high) = Refutes(middle) ? (middle, high) : (low, middle);
        }

        return low;

        bool Refutes(double epsilon) => PValue(canaries, logFactorials, correct, epsilon, delta) < level;
    }

    internal static void CheckConfidence(double confidence)
    {
        if (!(confidence > 0 && confidence < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(confidence), confidence, $"The confidence is {confidence}; expected a number in (0, 1).");
        }
    }

    /// <param name="logFactorials">ln 0! … ln r!.</param>
    private static double PValue(int canaries, double[] logFactorials, int correct, double epsilon, double delta)
    {
        var guesses = logFactorials.Length - 1;
        var logRight = -LogArithmetic.LogOnePlusExp(-epsilon);
        var tail = 0.0;
        for (var k = guesses; k >= correct; k--)
        {
            tail += Probability(k);
        }

        var (below, worst) = (0.0, 0.0);
        for (var i = 1; i <= correct && delta > 0; i++)
        {
            below += Probability(correct - i);
            worst = Math.Max(worst, below / i);
        }

        return Math.Min(1, tail + (2 * delta * canaries * worst));

        // P[W = k].
        double Probability(int k) => Math.Exp(
            logFactorials[guesses] - logFactorials[k] - logFactorials[guesses - k] + (guesses * logRight) - ((guesses - k) * epsilon));
    }

    private static double[] LogFactorials(int count)
    {
        var logs = new double[count + 1];
        for (var i = 2; i <= count; i++)
        {
            logs[i] = logs[i - 1] + Math.Log(i);
        }

        return logs;
    }

    private static void Check(int canaries, int guesses, int correct, double delta)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(canaries, 1);
        if (guesses < 0 || guesses > canaries || correct < 0 || correct > guesses)
        {
            throw new ArgumentException(
                $"{correct} correct guesses of {guesses} about {canaries} canaries; expected no more guesses than canaries, and no more correct ones than guesses.",
                nameof(guesses));
        }

        if (!(delta >= 0 && delta < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(delta), delta, $"δ is {delta}; expected a number in [0, 1).");
        }
    }
}
