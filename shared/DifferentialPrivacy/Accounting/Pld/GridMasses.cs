using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>Probabilities under P of losses (First + i)·h.</summary>
public sealed record GridMasses(int First, double[] Masses)
{
    // Keeps the ends of an aligned piece, which rounding can put beside their multiple of h, from widening its interval.
    private const double Alignment = 1e-9;

    // An atom this near a grid point, relative to its loss, is on it.
    private const double OnPoint = 1e-15;

    private const double MostInOneCell = 0.8;

    /// <summary>A distribution that dominates the mechanism: every piece is spread to the grid points around it.</summary>
    /// <remarks>
    /// "Connect the dots" (Doroshenko et al. 2022, arXiv:2207.04380): the share u of a piece with loss l between k₀h and k₁h that goes up keeps both of its
    /// probabilities, u = (e^(k₀h − l) − 1)/(e^((k₀−k₁)h) − 1). What was cut off below is put on the point above the cut; what was cut off above is infinite.
    /// </remarks>
    public static GridMasses Dominating(LossPieces pieces, double width)
    {
        var first = (int)Math.Floor((pieces.Low(0) / width) + Alignment);
        var last = (int)Math.Ceiling((pieces.High(pieces.Count - 1) / width) - Alignment);
        for (var i = 0; i < pieces.Count; i++)
        {
            first = Math.Min(first, (int)Math.Floor(pieces.Low(i) / width));
            last = Math.Max(last, (int)Math.Ceiling(pieces.High(i) / width));
        }

        var masses = new double[last - first + 1];
        masses[(int)Math.Ceiling(pieces.Cut.Below / width) - first] += pieces.Below.P;
        for (var i = 0; i < pieces.Count; i++)
        {
            var below = (int)Math.Floor((pieces.Low(i) / width) + Alignment);
            var above = Math.Max((int)Math.Ceiling((pieces.High(i) / width) - Alignment), below);
            var mass = pieces.Mass(i);
            if (above > below)
            {
                var share = LogArithmetic.ExpM1((below * width) - pieces.Loss(i)) / LogArithmetic.ExpM1((below - above) * width);
                var up = mass * Math.Clamp(share, 0, 1);
                masses[above - first] += up;
                mass -= up;
            }

            masses[below - first] += mass;
        }

        return new GridMasses(first, masses);
    }

    /// <summary>A distribution that the mechanism dominates: neighbouring pieces are merged until their common loss is a grid point.</summary>
    /// <remarks>
    /// From one end on, point kh takes the pieces before it and then as much of those behind it as makes the ratio of the block's two probabilities e^(kh).
    /// Telling only the block is (randomised) post-processing. The last block stays unbalanced and is rounded down, so merging begins at the end where much
    /// of the probability lies close together, and ends in a tail. Only where nearly all of it lies in one cell does merging begin above: to balance that cell
    /// would take all that there is above it. What was cut off is dropped.
    /// </remarks>
    public static GridMasses Dominated(LossPieces pieces, double width)
    {
        var (lowest, highest) = (double.PositiveInfinity, double.NegativeInfinity);
        for (var i = 0; i < pieces.Count; i++)
        {
            (lowest, highest) = (Math.Min(lowest, pieces.Loss(i)), Math.Max(highest, pieces.Loss(i)));
        }

        var (first, last) = ((int)Math.Floor(lowest / width) - 1, (int)Math.Ceiling(highest / width) + 1);
        var masses = new double[last - first + 1];
        var up = pieces.IsBoundedBelow && MassUpTo(pieces, lowest + width) < MostInOneCell;
        var (step, end) = up ? (1, pieces.Count) : (-1, -1);
        var next = up ? 0 : pieces.Count - 1;
        var left = pieces.Mass(next);
        for (var k = up ? first : last; next != end; k += step)
        {
            // Σ p(1 − e^(kh − l)) of the block, which must end at 0; taken with the sign that the first pieces have.
            var surplus = 0.0;
            while (next != end)
            {
                var distance = (k * width) - pieces.Loss(next);
                var gain = Math.Abs(distance) <= OnPoint * Math.Abs(pieces.Loss(next)) ? 0 : step * left * LogArithmetic.ExpM1(distance);
                if (surplus + gain < 0)
                {
                    var taken = left * (surplus / -gain);
                    masses[k - first] += taken;
                    left -= taken;
                    break;
                }

                surplus += gain;
                masses[k - first] += left;
                next += step;
                left = next != end ? pieces.Mass(next) : 0;
            }

            if (up && next == end && surplus > 0)
            {
                // The last block's loss is below its point.
                masses[k - 1 - first] += masses[k - first];
                masses[k - first] = 0;
            }
        }

        return new GridMasses(first, masses);
    }

    private static double MassUpTo(LossPieces pieces, double loss)
    {
        var mass = 0.0;
        for (var i = 0; i < pieces.Count && pieces.Loss(i) <= loss; i++)
        {
            mass += pieces.Mass(i);
        }

        return mass;
    }
}
