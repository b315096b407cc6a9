using FlEvents.DifferentialPrivacy.Accounting.Numerics;

namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>A single step whose privacy loss can be cut into pieces.</summary>
public abstract class LossSource
{
    /// <summary>Whether exchanging P and Q gives the same loss.</summary>
    public abstract bool IsSymmetric { get; }

    /// <summary>Whether the pair is the mechanism's own worst case, and not only a bound on it: then the lower values are the mechanism's too.</summary>
    public virtual bool IsExact => true;

    /// <summary>A distance such that every atom of the loss is a multiple of it; null without atoms, or without such a distance.</summary>
    public virtual double? Lattice => null;

    /// <summary>Points of the loss with their probabilities, good to plan with: their moments are right to a few per cent.</summary>
    /// <param name="tail">Probability under P or Q that may be left out at each end.</param>
    public abstract IReadOnlyList<(double Mass, double Loss)> Nodes(double tail);

    /// <summary>The pieces, none of them across a multiple of <paramref name="width"/>/2.</summary>
    /// <param name="width">Distance of the grid, in units of loss.</param>
    /// <param name="tail">Probability under P or Q that may be cut off at each end.</param>
    public abstract LossPieces Pieces(double width, double tail);
}

/// <summary>A loss that takes few values.</summary>
/// <param name="values">Probability under P and loss, smallest loss first.</param>
/// <param name="lattice">A distance such that every loss is a multiple of it.</param>
/// <param name="infinite">Probability δ of an outright failure, in either direction.</param>
/// <param name="cutOff">Probability at each end that <paramref name="values"/> leaves out.</param>
public sealed class DiscreteLossSource(IReadOnlyList<(double Mass, double Loss)> values, double lattice, double infinite = 0, double cutOff = 0) : LossSource
{
    // The standard deviations that are summed of a discrete Gaussian, and the most values.
    private const double Reach = 40;
    private const double MostValues = 1 << 20;

    public override bool IsSymmetric => true;

    public override double? Lattice => lattice > 0 ? lattice : null;

    public override IReadOnlyList<(double Mass, double Loss)> Nodes(double tail) => values;

    public override LossPieces Pieces(double width, double tail)
    {
        var pieces = new LossPieces(values.Count) { Infinite = (infinite, infinite), Above = (cutOff, cutOff), Below = (cutOff, cutOff) };
        foreach (var (mass, loss) in values)
        {
            pieces.Add(mass, loss, loss, loss);
        }

        return pieces;
    }

    /// <summary>Randomised response with an outright failure: the worst of all (ε, δ)-private mechanisms (arXiv:1311.0776).</summary>
    public static DiscreteLossSource Of(EpsilonDeltaEvent part)
    {
        var up = 1 / (1 + Math.Exp(-part.Epsilon));
        (double Mass, double Loss)[] losses = part.Epsilon == 0
            ? [(1 - part.Delta, 0)]
            : [((1 - part.Delta) * Math.Exp(-part.Epsilon) * up, -part.Epsilon), ((1 - part.Delta) * up, part.Epsilon)];
        return new DiscreteLossSource(losses, part.Epsilon, part.Delta);
    }

    /// <summary>Discrete Laplace noise on one integer.</summary>
    public static DiscreteLossSource Of(DiscreteLaplaceEvent part) => new([.. DiscreteLaplaceLosses.Of(part)], part.Parameter);

    /// <summary>Discrete Gaussian noise on one integer of whole sensitivity; null when it takes too many values.</summary>
    /// <remarks>The loss at noise x is (2xΔ + Δ²)/2σ².</remarks>
    public static DiscreteLossSource? Of(DiscreteGaussianEvent part)
    {
        var (sigma, sensitivity) = (part.Sigma, part.Sensitivity);
        var reach = Math.Ceiling(Reach * sigma) + 1;
        if (reach > MostValues)
        {
            return null;
        }

        var total = 1.0;
        for (var x = reach; x >= 1; x--)
        {
            total += 2 * Math.Exp(-x * x / (2 * sigma * sigma));
        }

        var values = new List<(double Mass, double Loss)>();
        for (var x = -reach; x <= reach; x++)
        {
            var mass = Math.Exp(-x * x / (2 * sigma * sigma)) / total;
            if (mass > 1e-290)
            {
                values.Add((mass, ((2 * x * sensitivity) + (sensitivity * sensitivity)) / (2 * sigma * sigma)));
            }
        }

        return new DiscreteLossSource(values, sensitivity / (2 * sigma * sigma), cutOff: 1e-280);
    }
}

/// <summary>Laplace noise: atoms at ±1/b and a density between.</summary>
public sealed class LaplaceLossSource(LaplaceEvent part) : LossSource
{
    private const int PlanningPoints = 512;
    private readonly double _epsilon = 1 / part.NoiseMultiplier;

    public override bool IsSymmetric => true;

    public override double? Lattice => _epsilon;

    public override IReadOnlyList<(double Mass, double Loss)> Nodes(double tail)
    {
        var pieces = Pieces(4 * _epsilon / PlanningPoints, tail);
        return [.. Enumerable.Range(0, pieces.Count).Select(i => (pieces.Mass(i), pieces.Loss(i)))];
    }

    /// <remarks>Under P the loss l has the density ¼e^((l−ε)/2) on (−ε, ε), so a piece [a, b] has P ½e^((a−ε)/2)(e^((b−a)/2) − 1) and the loss (a+b)/2.</remarks>
    public override LossPieces Pieces(double width, double tail)
    {
        var half = width / 2;
        var pieces = new LossPieces((int)Math.Min((2 * _epsilon / half) + 4, int.MaxValue));
        pieces.Add(0.5 * Math.Exp(-_epsilon), -_epsilon, -_epsilon, -_epsilon);
        var low = -_epsilon;
        for (var cell = Math.Floor(-_epsilon / half) + 1; low < _epsilon; cell++)
        {
            var high = Math.Min(cell * half, _epsilon);
            pieces.Add(0.5 * Math.Exp((low - _epsilon) / 2) * LogArithmetic.ExpM1((high - low) / 2), 0.5 * (low + high), low, high);
            low = high;
        }

        pieces.Add(0.5, _epsilon, _epsilon, _epsilon);
        return pieces;
    }
}

/// <summary>One of two sources, by a draw the observer sees.</summary>
public sealed class MixedLossSource(LossSource first, LossSource second, double share) : LossSource
{
    public override bool IsSymmetric => first.IsSymmetric && second.IsSymmetric;

    public override bool IsExact => false;

    public override IReadOnlyList<(double Mass, double Loss)> Nodes(double tail) =>
        [.. first.Nodes(tail).Select(node => ((1 - share) * node.Mass, node.Loss)), .. second.Nodes(tail).Select(node => (share * node.Mass, node.Loss))];

    public override LossPieces Pieces(double width, double tail) => LossPieces.Mixture(first.Pieces(width, tail), second.Pieces(width, tail), share);
}
