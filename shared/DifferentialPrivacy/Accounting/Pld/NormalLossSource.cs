using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>Gaussian noise on all data: the loss is N(μ²/2, μ²) with μ = 1/z, in both directions (Dong, Roth, Su 2019, arXiv:1905.02383).</summary>
public sealed class NormalLossSource(double noiseMultiplier) : LossSource
{
    /// <summary>Below it the losses of a release are too far apart for a grid.</summary>
    public const double LeastMultiplier = 1e-5;

    /// <summary>Above it they are too small for doubles.</summary>
    public const double LargestMultiplier = 1e100;

    private const double PlanningStep = 0.05;

    private readonly double _mu = 1 / noiseMultiplier;

    public override bool IsSymmetric => true;

    public override IReadOnlyList<(double Mass, double Loss)> Nodes(double tail)
    {
        var reach = ReachFor(tail);
        // Both ends are nodes: under a large tilt the last one is all that counts.
        var count = (int)Math.Ceiling(2 * reach / PlanningStep);
        var step = 2 * reach / count;
        var nodes = new List<(double Mass, double Loss)>();
        for (var i = 0; i <= count; i++)
        {
            var s = -reach + (i * step);
            nodes.Add((step * NormalDistribution.Density(s), Loss(s)));
        }

        return nodes;
    }

    public override LossPieces Pieces(double width, double tail)
    {
        var reach = ReachFor(tail);
        var half = width / 2;
        var pieces = new LossPieces((int)Math.Min((2 * reach * _mu / half) + 4, int.MaxValue))
        {
            Above = (NormalDistribution.Cdf(-reach), NormalDistribution.Cdf(-reach - _mu)),
            Below = (NormalDistribution.Cdf(-reach), NormalDistribution.Cdf(_mu - reach)),
        };
        var (low, highest) = (Loss(-reach), Loss(reach));
        for (var cell = Math.Floor(low / half) + 1; low < highest; cell++)
        {
            var high = Math.Min(cell * half, highest);
            if (high > low)
            {
                Add(pieces, low, high);
                low = high;
            }
        }

        return pieces;
    }

    private static double ReachFor(double tail) => Math.Min(NormalDistribution.TailBound(tail), NormalDistribution.Reach);

    private double Loss(double s) => _mu * (s + (0.5 * _mu));

    /// <remarks>The loss of a piece is m − ln(∫φe^(−μ(s − m))/∫φ) around its middle m, so that large μ lose nothing.</remarks>
    private void Add(LossPieces pieces, double low, double high)
    {
        var (middleLoss, halfLength) = (0.5 * (low + high), 0.5 * (high - low) / _mu);
        var middle = (middleLoss / _mu) - (0.5 * _mu);
        var longest = GaussLegendre.LengthForSix(Math.Abs(middle) + halfLength);
        var parts = (int)Math.Ceiling(2 * halfLength / Math.Min(longest, 0.5 / _mu));
        var (nodes, weights) = GaussLegendre.Six;
        var (mass, moment) = (0.0, 0.0);
        var halfPart = halfLength / parts;
        for (var part = 0; part < parts; part++)
        {
            var offset = (((2 * part) + 1) * halfPart) - halfLength;
            for (var i = 0; i < nodes.Length; i++)
            {
                foreach (var from in (ReadOnlySpan<double>)[offset + (halfPart * nodes[i]), offset - (halfPart * nodes[i])])
                {
                    var s = middle + from;
                    var density = weights[i] * Math.Exp(-0.5 * s * s);
                    mass += density;
                    moment += density * LogArithmetic.ExpM1(-_mu * from);
                }
            }
        }

        if (mass > 0)
        {
            var loss = Math.Clamp(middleLoss - LogArithmetic.LogP1(moment / mass), low, high);
            pieces.Add(mass * halfPart * Math.Exp(-NormalDistribution.LogRootTwoPi), loss, low, high);
        }
    }
}
