using FlEvents.DifferentialPrivacy.Accounting.Numerics;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Accounting.Budgets;

/// <summary>A budget (ε, δ), kept at one Rényi order α that is fixed at its first entry.</summary>
/// <param name="Epsilon">ε, finite and above 0.</param>
/// <param name="Delta">δ in (0, 1).</param>
/// <param name="Alpha">α, finite and above 1.</param>
/// <remarks>
/// Σ ε_t(α) ≤ ε − ln(1 − 1/α) + ln(δα)/(α−1) implies (ε, δ) by the improved conversion (<see cref="RdpConversion.Improved"/>). An event of (ε, δ)-privacy with
/// δ above 0 has no Rényi bound and is unbounded here: its own failure is not in the budget's δ.
/// </remarks>
public sealed record BudgetSpec(double Epsilon, double Delta, double Alpha) : PrivacyBudget
{
    private const double MostAbove = 1 << 14;
    private const double LeastAbove = 1.0 / 64;
    private const double WholeFrom = 16;

    public double Epsilon { get; } = Require.Positive(Epsilon);
    public double Delta { get; } = Require.Delta(Delta);
    public double Alpha { get; } = Require.Order(Alpha);

    public override long Capacity { get; } = RoundedDown(ExactCapacity(Epsilon, Delta, Alpha));

    public override PrivacyMeasure Measure { get; } = PrivacyMeasure.Renyi(Alpha);

    /// <summary>The budget at the α that admits the most rounds of a plan.</summary>
    /// <param name="epsilon">ε, finite and above 0.</param>
    /// <param name="delta">δ in (0, 1).</param>
    /// <param name="planned">The rounds in order, at least one; the last is taken to go on for ever.</param>
    /// <remarks>
    /// The orders at which at least t rounds fit are an interval (the charges times α − 1 are convex in α, the capacity times α − 1 concave), so the search
    /// by doubling and golden section finds the best. Orders are whole from 16 on, and hundredths below.
    /// </remarks>
    public static BudgetSpec Propose(double epsilon, double delta, IReadOnlyList<PrivacyEvent> planned)
    {
        Require.Positive(epsilon);
        Require.Delta(delta);
        var plan = Plan(planned);
        var best = (Rounds: double.NegativeInfinity, Alpha: 2.0);
        double Try(double above)
        {
            var alpha = above + 1 < WholeFrom ? Math.Max(1.01, Math.Round(above + 1, 2)) : Math.Round(above + 1);
            var rounds = Rounds(plan, alpha, ExactCapacity(epsilon, delta, alpha));
            best = rounds > best.Rounds ? (rounds, alpha) : best;
            return rounds;
        }

        var (middle, atMiddle) = (8.0, Try(8));
        foreach (var factor in (ReadOnlySpan<double>)[2, 0.5])
        {
            for (var next = middle * factor; next is >= LeastAbove and <= MostAbove && Try(next) is var rounds && rounds > atMiddle; next *= factor)
            {
                (middle, atMiddle) = (next, rounds);
            }
        }

        var (low, high) = (Math.Log(middle / 2), Math.Log(middle * 2));
        for (var i = 0; i < 24; i++)
        {
            var (left, right) = (low + (0.382 * (high - low)), low + (0.618 * (high - low)));
            (low, high) = Try(Math.Exp(left)) >= Try(Math.Exp(right)) ? (low, right) : (left, high);
        }

        return new BudgetSpec(epsilon, delta, best.Alpha);
    }

    private static double ExactCapacity(double epsilon, double delta, double alpha) =>
        epsilon - LogArithmetic.LogP1(-1 / alpha) + (Math.Log(delta * alpha) / (alpha - 1));

    /// <summary>Runs of equal rounds.</summary>
    private static List<(RdpCurve Curve, long Count)> Plan(IReadOnlyList<PrivacyEvent> planned)
    {
        if (planned.Count == 0)
        {
            throw new ArgumentException("A plan has no rounds, expected at least one.", nameof(planned));
        }

        var runs = new List<(RdpCurve Curve, long Count)>();
        for (var i = 0; i < planned.Count; i++)
        {
            if (i > 0 && planned[i] == planned[i - 1])
            {
                runs[^1] = (runs[^1].Curve, runs[^1].Count + 1);
            }
            else
            {
                runs.Add((new RdpCurve(planned[i]), 1));
            }
        }

        return runs;
    }

    /// <summary>Rounds that fit, with a share of the first that does not; below 0 what the capacity lacks.</summary>
    private static double Rounds(List<(RdpCurve Curve, long Count)> plan, double alpha, double capacity)
    {
        if (!(capacity > 0))
        {
            return capacity;
        }

        var (rounds, left) = (0.0, capacity);
        for (var i = 0; i < plan.Count; i++)
        {
            var charge = plan[i].Curve.At(alpha);
            if (charge * plan[i].Count >= left || i == plan.Count - 1)
            {
                return charge > 0 ? rounds + (left / charge) : double.MaxValue;
            }

            rounds += plan[i].Count;
            left -= charge * plan[i].Count;
        }

        return rounds;
    }
}
