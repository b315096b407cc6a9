using FlEvents.DifferentialPrivacy.Accounting.Numerics;
using FlEvents.DifferentialPrivacy.Accounting.Rdp;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>A quantity known to lie between two values.</summary>
/// <param name="Lower">Certified from below; 0 where only an upper bound is known.</param>
/// <param name="Upper">Certified from above; +∞ (for ε) or 1 (for δ) where there is no bound.</param>
/// <param name="RdpReason">Null when the bracket comes from the privacy loss distribution; else why the upper value is the Rényi accountant's.</param>
public readonly record struct CertifiedBound(double Lower, double Upper, string? RdpReason);

/// <summary>Certified brackets of ε(δ) and δ(ε) from privacy loss distributions, in both directions of the adjacency.</summary>
/// <remarks>
/// Each step is put on a grid twice, once as a distribution that dominates it and once as one that it dominates; dominance survives composition, adaptive
/// too (Zhu, Dong, Wang 2022, arXiv:2106.08567, theorem 10). The sums are computed by FFT under a tilt (<see cref="TiltedSum"/>) and bounded
/// (<see cref="PrivacyCurve"/>); add and remove are composed each for itself, and the larger result is taken at the end (arXiv:2405.20769).
/// <para>It speaks of a schedule fixed in advance. As a stopping rule for steps chosen adaptively it is not valid: that is what budgets are for.</para>
/// </remarks>
public static class PldAccountant
{
    private const int SmallestLength = 1 << 13;
    private const int LargestLength = 1 << 20;

    // A bracket of this relative width is narrow enough.
    private const double Tolerance = 5e-5;
    private const double AbsoluteTolerance = 1e-9;

    // Share of δ that may be cut off from the steps' tails.
    private const double TailShare = 1e-9;
    private const double MostTail = 1e-12;
    private const double LeastTail = 1e-250;
    private const double PlanningTail = 1e-60;
    private const double MostCellsOfStep = 1 << 20;

    // Points of a step's grid are numbered by 32-bit integers, those of a sum by whole numbers that are doubles.
    private const double MostPointsOfStep = 1 << 30;
    private const double MostPointsOfSum = 1L << 52;

    // A step's loss is a double, off by a few units in its last place.
    private const double LossError = 1e-14;
    private const double Margin = 1e-9;
    private const double AgreementMargin = 1e-6;

    private const string OffGrid = "its losses are beyond the grid";
    private const string NotAbove = "δ is not well above what truncation and the rounding of the transform may add";

    /// <summary>Why an event has no privacy loss distribution here; null when it has one.</summary>
    public static string? WhyNot(PrivacyEvent composed) => LossSteps.Of(composed).Reason;

    /// <summary>The bracket of ε at δ.</summary>
    /// <param name="composed">What happened.</param>
    /// <param name="delta">In (0, 1).</param>
    public static CertifiedBound Epsilon(PrivacyEvent composed, double delta)
    {
        var fallback = RdpAccountant.Epsilon(composed, Require.Delta(delta)).Value;
        var (steps, reason) = LossSteps.Of(composed);
        if (steps is null)
        {
            return new CertifiedBound(0, fallback, reason);
        }

        if (steps.Parts.Count == 0)
        {
            return new CertifiedBound(0, 0, null);
        }

        if (-LogArithmetic.ExpM1(steps.LogFinite) >= delta)
        {
            return new CertifiedBound(0, fallback, "the events fail outright with a probability of δ or more");
        }

        var bracket = Refine(
            steps,
            delta * TailShare / steps.Count,
            AbsoluteTolerance,
            moments => moments.TiltForDelta(delta),
            (curve, slack) => Math.Max(0, curve.Epsilon(delta) + slack));
        return Finished(bracket, steps, fallback);
    }

    /// <summary>The bracket of δ at ε.</summary>
    /// <param name="composed">What happened.</param>
    /// <param name="epsilon">At least 0, finite.</param>
    public static CertifiedBound Delta(PrivacyEvent composed, double epsilon)
    {
        var fallback = RdpAccountant.Delta(composed, Require.NotNegative(epsilon)).Value;
        var (steps, reason) = LossSteps.Of(composed);
        if (steps is null)
        {
            return new CertifiedBound(0, fallback, reason);
        }

        if (steps.Parts.Count == 0)
        {
            return new CertifiedBound(0, 0, null);
        }

        var bracket = Refine(
            steps,
            TailAt(steps, epsilon),
            0,
            moments => moments.TiltForEpsilon(epsilon),
            (curve, slack) => Math.Min(1, Math.Exp(curve.LogDelta(epsilon - slack))));
        return Finished(bracket, steps, fallback);
    }

    /// <summary>What may be cut off of a step where δ(ε) is about e^(K − λε)/(1 + λ)², the worse direction's, and much less than any bound known beforehand.</summary>
    private static double TailAt(LossSteps steps, double epsilon)
    {
        var logDelta = double.NegativeInfinity;
        foreach (var mirrored in Directions(steps))
        {
            var moments = steps.Moments(PlanningTail, mirrored);
            var tilt = moments.TiltForEpsilon(epsilon);
            logDelta = Math.Max(logDelta, moments.At(tilt).Value - (tilt * epsilon) - (2 * Math.Log(1 + tilt)));
        }

        return Math.Clamp(Math.Exp(logDelta) * TailShare / steps.Count, LeastTail, MostTail);
    }

    private static ReadOnlySpan<bool> Directions(LossSteps steps) => steps.IsSymmetric ? [false] : [false, true];

    private static CertifiedBound Finished((double Lower, double Upper) bracket, LossSteps steps, double fallback)
    {
        var lower = steps.IsExact && double.IsFinite(bracket.Lower) ? Math.Max(0, bracket.Lower * (1 - Margin)) : 0;
        var upper = bracket.Upper * (1 + Margin);
        // Where the two agree to within the margins, the loss distribution gave the answer too.
        return upper <= fallback * (1 + AgreementMargin)
            ? new CertifiedBound(lower, Math.Min(upper, fallback), null)
            : new CertifiedBound(lower, fallback, double.IsNaN(upper) ? OffGrid : NotAbove);
    }

    /// <summary>Computes on finer and finer grids until the bracket is narrow.</summary>
    private static (double Lower, double Upper) Refine(
        LossSteps steps, double tail, double absoluteTolerance, Func<LossMoments, double> tilt, Func<PrivacyCurve, double, double> read)
    {
        var windows = new List<LossWindow>();
        var (range, farthest) = (0.0, 0.0);
        foreach (var mirrored in Directions(steps))
        {
            var moments = steps.Moments(tail, mirrored);
            windows.Add(moments.Window(tilt(moments)));
            range = Math.Max(range, moments.StepRange.Highest - moments.StepRange.Lowest);
            farthest = Math.Max(farthest, Math.Max(Math.Abs(moments.StepRange.Lowest), Math.Abs(moments.StepRange.Highest)));
        }

        var (lower, upper) = (double.NaN, double.NaN);
        if (!windows.TrueForAll(window => double.IsFinite(window.Length)))
        {
            return (lower, upper);
        }

        var longest = windows.Max(window => window.Length);
        var farthestSum = windows.Max(window => Math.Max(Math.Abs(window.Lowest), Math.Abs(window.Highest)));
        for (var length = windows.Max(window => FirstLength(window, steps.Count)); length <= LargestLength;)
        {
            var width = Aligned(Math.Max(longest / (length - 8), range / MostCellsOfStep), steps.Lattice);
            if (!(farthest <= MostPointsOfStep * width && farthestSum <= MostPointsOfSum * width))
            {
                break;
            }

            (lower, upper) = Bracket(steps, windows, Fft.Of(length), width, tail, LossError * steps.Count * Math.Max(1, range), read);
            var gap = upper - lower;
            var wanted = (Tolerance * upper) + absoluteTolerance;
            if (gap <= wanted || double.IsNaN(gap) || double.IsInfinity(upper) || longest / (length - 8) < range / MostCellsOfStep)
            {
                break;
            }

            // The gap is of second order in the grid's width.
            var factor = Math.Clamp(Math.Sqrt(gap / wanted), 2, 8);
            length = length == LargestLength ? int.MaxValue : (int)Math.Min(LargestLength, Math.Pow(2, Math.Ceiling(Math.Log2(length * factor))));
        }

        return (lower, upper);
    }

    /// <summary>
    /// A length at which the bracket should be narrow enough: spreading T losses over steps of h adds up to Th²/6 to their variance, and ε moves by λ + ½ times
    /// the half of that on each side.
    /// </summary>
    private static int FirstLength(LossWindow window, double steps)
    {
        var wanted = window.Length * Math.Sqrt((window.Tilt + 0.5) * steps / (6 * Tolerance * Math.Max(window.Mean, 1e-9)));
        return (int)Math.Pow(2, Math.Ceiling(Math.Log2(Math.Clamp(wanted, SmallestLength, LargestLength))));
    }

    /// <summary>The next larger width that divides the lattice.</summary>
    private static double Aligned(double width, double lattice) => lattice >= width ? lattice / Math.Floor(lattice / width) : width;

    private static (double Lower, double Upper) Bracket(
        LossSteps steps, List<LossWindow> windows, Fft fft, double width, double tail, double slack, Func<PrivacyCurve, double, double> read)
    {
        var sums = windows.Select(window => new TiltedSum(fft, width, window)).ToArray();
        foreach (var (source, count) in steps.Parts)
        {
            var pieces = source.Pieces(width, tail);
            for (var i = 0; i < sums.Length; i++)
            {
                var directed = i == 0 || source.IsSymmetric ? pieces : pieces.Mirrored();
                sums[i].Multiply(GridMasses.Dominating(directed, width), GridMasses.Dominated(directed, width), count);
                sums[i].Dominating.LogFinite += count * LogArithmetic.LogP1(-Math.Min(1, directed.Infinite.P + directed.Above.P));
                sums[i].Dominated.LogFinite += count * LogArithmetic.LogP1(-directed.Infinite.P);
            }
        }

        var (lower, upper) = (double.NegativeInfinity, double.NegativeInfinity);
        for (var i = 0; i < sums.Length; i++)
        {
            sums[i].Finish();
            var above = PrivacyCurve.Of(sums[i].Dominating, true, windows[i], sums[i].FirstIndex, width, steps.Count);
            var below = PrivacyCurve.Of(sums[i].Dominated, false, windows[i], sums[i].FirstIndex, width, steps.Count);
            upper = Math.Max(upper, read(above, slack));
            lower = Math.Max(lower, read(below, -slack));
        }

        return (lower, upper);
    }
}
