using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>The Gaussian on a Poisson sample, 0 &lt; q &lt; 1, in the direction of removal: P = (1−q)·N(0, z²) + q·N(1, z²), Q = N(0, z²).</summary>
/// <remarks>
/// With t = x/z the loss is L(t) = ln(1 − q + q·e^y), y = t/z − 1/2z², which grows with t. Pieces are integrated by Gauss-Legendre rules over intervals short
/// enough for a relative error below 10⁻¹³; both masses come from positive integrands, and the loss from ∫φ·(e^y − 1), so that small q lose nothing.
/// That this pair and its mirror dominate the mechanism under zero-out and under add or remove one: Zhu, Dong, Wang 2022, arXiv:2106.08567, theorem 11.
/// </remarks>
public sealed class GaussianLossSource(double samplingRate, double noiseMultiplier) : LossSource
{
    /// <summary>Below it the losses leave the range in which densities are doubles.</summary>
    public const double LeastMultiplier = 0.05;

    private const double PlanningStep = 0.05;

    public override bool IsSymmetric => false;

    public override IReadOnlyList<(double Mass, double Loss)> Nodes(double tail)
    {
        var (first, last) = Range(tail);
        // Both ends are nodes: under a large tilt the last one is all that counts.
        var count = (int)Math.Ceiling((last - first) / PlanningStep);
        var step = (last - first) / count;
        var nodes = new List<(double Mass, double Loss)>();
        for (var i = 0; i <= count; i++)
        {
            var t = first + (i * step);
            var (loss, density) = (Loss(t), step * NormalDistribution.Density(t));
            nodes.Add((density * Math.Exp(loss), loss));
        }

        return nodes;
    }

    public override LossPieces Pieces(double width, double tail)
    {
        var (first, last) = Range(tail);
        var (lowest, highest, half) = (Loss(first), Loss(last), width / 2);
        var pieces = new LossPieces((int)Math.Min(((highest - lowest) / half) + 4, int.MaxValue))
        {
            IsBoundedBelow = true,
            Above = (Mixed(NormalDistribution.Cdf(-last), NormalDistribution.Cdf((1 / noiseMultiplier) - last)), NormalDistribution.Cdf(-last)),
            Below = (Mixed(NormalDistribution.Cdf(first), NormalDistribution.Cdf(first - (1 / noiseMultiplier))), NormalDistribution.Cdf(first)),
        };
        var (low, lowLoss) = (first, lowest);
        for (var cell = Math.Floor(lowest / half) + 1; low < last; cell++)
        {
            var highLoss = cell * half;
            var high = highLoss < highest ? Math.Min(Position(highLoss), last) : last;
            if (high > low)
            {
                Add(pieces, low, high, lowLoss, Math.Min(highLoss, highest));
                (low, lowLoss) = (high, highLoss);
            }
        }

        return pieces;
    }

    private (double First, double Last) Range(double tail)
    {
        // Q's density must stay a double: what lies beyond is cut off, however large its part under P.
        var reach = Math.Min(NormalDistribution.TailBound(tail), NormalDistribution.Reach);
        return (-reach, Math.Min((1 / noiseMultiplier) + reach, NormalDistribution.Reach));
    }

    private double Mixed(double withoutRecord, double withRecord) => ((1 - samplingRate) * withoutRecord) + (samplingRate * withRecord);

    private double Loss(double t)
    {
        var y = (t / noiseMultiplier) - (0.5 / (noiseMultiplier * noiseMultiplier));
        return y > 30
            ? LogArithmetic.LogOnePlusExp(y + Math.Log(samplingRate) - LogArithmetic.LogP1(-samplingRate)) + LogArithmetic.LogP1(-samplingRate)
            : LogArithmetic.LogP1(samplingRate * LogArithmetic.ExpM1(y));
    }

    /// <summary>The t at which the loss has a value; −∞ for losses it never falls to.</summary>
    private double Position(double loss)
    {
        var odds = LogArithmetic.ExpM1(loss) / samplingRate;
        var y = odds > -1 ? LogArithmetic.LogP1(odds) : double.NegativeInfinity;
        return (noiseMultiplier * y) + (0.5 / noiseMultiplier);
    }

    private void Add(LossPieces pieces, double low, double high, double lowLoss, double highLoss)
    {
        var length = high - low;
        var distance = Math.Max(Math.Abs(low), Math.Abs(high));
        var parts = (int)Math.Ceiling(length / Math.Min(GaussLegendre.LengthForSix(distance), 0.5 * noiseMultiplier));
        var isNarrow = length <= Math.Min(GaussLegendre.LengthForFour(distance), 0.1 * noiseMultiplier);
        var (nodes, weights) = isNarrow ? GaussLegendre.Four : GaussLegendre.Six;
        var (without, gained) = (0.0, 0.0);
        var halfPart = 0.5 * length / parts;
        for (var part = 0; part < parts; part++)
        {
            var middle = low + (((2 * part) + 1) * halfPart);
            for (var i = 0; i < nodes.Length; i++)
            {
                var (densityRight, gainRight) = Densities(middle + (halfPart * nodes[i]));
                var (densityLeft, gainLeft) = Densities(middle - (halfPart * nodes[i]));
                without += weights[i] * (densityRight + densityLeft);
                gained += weights[i] * (gainRight + gainLeft);
            }
        }

        if (without > 0)
        {
            var scale = halfPart * Math.Exp(-NormalDistribution.LogRootTwoPi);
            var loss = Math.Clamp(LogArithmetic.LogP1(samplingRate * gained / without), lowLoss, highLoss);
            pieces.Add(scale * (without + (samplingRate * gained)), loss, lowLoss, highLoss);
        }
    }

    /// <summary>√(2π)·φ(t) and √(2π)·φ(t)·(e^y − 1).</summary>
    private (double Density, double Gain) Densities(double t)
    {
        var shifted = t - (1 / noiseMultiplier);
        var density = Math.Exp(-0.5 * t * t);
        var y = (t / noiseMultiplier) - (0.5 / (noiseMultiplier * noiseMultiplier));
        return (density, Math.Abs(y) < 0.7 ? density * LogArithmetic.ExpM1(y) : Math.Exp(-0.5 * shifted * shifted) - density);
    }
}
