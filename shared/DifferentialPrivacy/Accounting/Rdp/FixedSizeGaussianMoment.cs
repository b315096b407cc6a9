using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Rdp;

/// <summary>A bound on the moment of the Gaussian on a sample of fixed size without replacement, under replace-one.</summary>
/// <remarks>
/// Wang, Balle, Kasiviswanathan 2019, arXiv:1808.00087, theorem 27: for whole α
/// A ≤ 1 + q²C(α,2)·min(4(e^ε(2) − 1), 2e^ε(2)) + Σ_{j=3..α} q^j·C(α,j)·min(4√(B_{2⌊j/2⌋}·B_{2⌈j/2⌉}), 2e^((j−1)ε(j))),
/// where (j−1)ε(j) = j(j−1)/2z² and B_l, the l-th forward difference of e^((x−1)ε(x)) at 0, is E[(e^y − 1)^l]: for even l an integral without cancellation,
/// taken here by the trapezoidal rule. Between whole orders (α−1)·ε(α) is interpolated (corollary 10). A sample cannot leak more than the whole,
/// so α(α−1)/2z² bounds ln A too.
/// </remarks>
public sealed class FixedSizeGaussianMoment
{
    // Past this order the second member of the minimum is as good, and the differences cost an integral each.
    private const int MostDifferences = 256;

    // Where noise is so small that an integral takes more points than this, the second member has to do.
    private const double MostPoints = 1e5;
    private const double Step = 0.25;
    private const double Reach = 11;

    private readonly double _noiseMultiplier;
    private readonly double _logRate;
    private readonly List<double> _logTerms = [];
    private readonly Dictionary<long, double> _logDifferences = [];

    /// <param name="samplingRate">q = sample size / data set size, in (0, 1).</param>
    /// <param name="noiseMultiplier">z over the sensitivity of replace-one, above 0.</param>
    public FixedSizeGaussianMoment(double samplingRate, double noiseMultiplier)
    {
        _noiseMultiplier = noiseMultiplier;
        _logRate = Math.Log(samplingRate);
    }

    /// <summary>ln A(α).</summary>
    /// <param name="order">α above 1.</param>
    public double Log(double order)
    {
        var below = (long)Math.Floor(order);
        var share = order - below;
        var interpolated = share == 0 ? LogAtWholeOrder(below) : ((1 - share) * LogAtWholeOrder(below)) + (share * LogAtWholeOrder(below + 1));
        return Math.Min(interpolated, LogWhole(order));
    }

    private double LogAtWholeOrder(long order)
    {
        if (order <= 1)
        {
            return 0;
        }

        var logCoefficient = Math.Log(order);
        var excess = new LogSum();
        for (var j = 2L; j <= order; j++)
        {
            logCoefficient += Math.Log((double)(order - j + 1) / j);
            excess.Add(logCoefficient + LogTerm(j));
        }

        return LogArithmetic.LogOnePlusExp(excess.Value);
    }

    /// <summary>(j−1)·ε(j) of the Gaussian on all data.</summary>
    private double LogWhole(double j) => j * (j - 1) / (2 * _noiseMultiplier * _noiseMultiplier);

    /// <summary>ln of q^j times the minimum.</summary>
    private double LogTerm(long j)
    {
        while (_logTerms.Count <= j - 2)
        {
            var next = _logTerms.Count + 2L;
            var bound = Math.Log(2) + LogWhole(next);
            if (next <= MostDifferences && next / _noiseMultiplier <= MostPoints * Step)
            {
                var (low, high) = (LogDifference(next / 2 * 2), LogDifference((next + 1) / 2 * 2));
                bound = Math.Min(bound, Math.Log(4) + (0.5 * (low + high)));
            }

            _logTerms.Add((next * _logRate) + bound);
        }

        return _logTerms[(int)(j - 2)];
    }

    /// <summary>ln E[(e^y − 1)^l], y = t/z − 1/2z², t standard normal; for even l.</summary>
    private double LogDifference(long l)
    {
        if (_logDifferences.TryGetValue(l, out var known))
        {
            return known;
        }

        var z = _noiseMultiplier;
        var spread = Math.Sqrt(l) + Reach;
        var sum = new LogSum();
        for (var t = -Math.Ceiling(spread / Step) * Step; t <= (l / z) + spread; t += Step)
        {
            var y = (t / z) - (0.5 / (z * z));
            var logDistance = y > 30 ? y : Math.Log(Math.Abs(LogArithmetic.ExpM1(y)));
            sum.Add((l * logDistance) - (0.5 * t * t));
        }

        return _logDifferences[l] = sum.Value + Math.Log(Step) - NormalDistribution.LogRootTwoPi;
    }
}
