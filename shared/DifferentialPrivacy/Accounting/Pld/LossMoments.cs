namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>ln E[e^(λL)] of a composed loss, from points, and how to choose λ and the window by it.</summary>
/// <remarks>Only the cost and the width of a result depend on what is chosen here, never its truth: every bound is taken afterwards, from the grids used.</remarks>
public sealed class LossMoments
{
    // ln of the probability, under the tilted distribution, that is planned to lie outside the window; less by ln(1 + λ), because δ is that much smaller.
    private const double LogOutside = -22;

    private const double Margin = 0.005;
    private const double LeastSpread = 0.01;
    private const double LeastTilt = 1e-4;
    private const int Bisections = 60;

    private readonly List<(double[] LogMasses, double[] Losses, double Count)> _parts = [];

    /// <summary>Largest and smallest loss of a single step of any part.</summary>
    public (double Lowest, double Highest) StepRange { get; private set; } = (double.PositiveInfinity, double.NegativeInfinity);

    public void Add(IReadOnlyList<(double Mass, double Loss)> nodes, double count, bool mirrored)
    {
        var kept = nodes.Where(node => node.Mass > 1e-300).ToArray();
        double[] logMasses = [.. kept.Select(node => Math.Log(node.Mass) - (mirrored ? node.Loss : 0))];
        double[] losses = [.. kept.Select(node => mirrored ? -node.Loss : node.Loss)];
        _parts.Add((logMasses, losses, count));
        StepRange = (Math.Min(StepRange.Lowest, losses.Min()), Math.Max(StepRange.Highest, losses.Max()));
    }

    /// <summary>K(λ), K′(λ) and K″(λ): the cumulant function, and mean and variance of the tilted loss.</summary>
    public (double Value, double Mean, double Variance) At(double tilt)
    {
        var (value, mean, variance) = (0.0, 0.0, 0.0);
        foreach (var (logMasses, losses, count) in _parts)
        {
            var largest = double.NegativeInfinity;
            for (var i = 0; i < losses.Length; i++)
            {
                largest = Math.Max(largest, logMasses[i] + (tilt * losses[i]));
            }

            var (sum, first, second) = (0.0, 0.0, 0.0);
            for (var i = 0; i < losses.Length; i++)
            {
                var weight = Math.Exp(logMasses[i] + (tilt * losses[i]) - largest);
                sum += weight;
                first += weight * losses[i];
                second += weight * losses[i] * losses[i];
            }

            value += count * (largest + Math.Log(sum));
            mean += count * first / sum;
            variance += count * Math.Max(0, (second / sum) - (first / sum * (first / sum)));
        }

        return (value, mean, variance);
    }

    /// <summary>The λ ≥ 0 whose tilted mean is about ε(δ): the best Rényi order, less 1.</summary>
    /// <remarks>
    /// Where the derivative of (K(λ) + λ·ln(λ/(1+λ)) − ln(δ(1+λ)))/λ vanishes, which is K − λK′ − ln(1+λ) = ln δ. The exact saddle point would be off where
    /// the loss is bounded and the tilted loss nearly constant.
    /// </remarks>
    public double TiltForDelta(double delta) => Bisect(tilt =>
    {
        var (value, mean, _) = At(tilt);
        return value - (tilt * mean) - Math.Log(1 + tilt) <= Math.Log(delta);
    });

    /// <summary>The λ ≥ 0 whose tilted mean is ε.</summary>
    public double TiltForEpsilon(double epsilon) => Bisect(tilt => At(tilt).Mean >= epsilon);

    /// <summary>How far the window must reach on each side of the tilted mean, and the further tilts that prove it.</summary>
    public LossWindow Window(double tilt)
    {
        var (value, mean, variance) = At(tilt);
        // Under a large tilt a bounded loss is nearly constant; the grid is not finer for that.
        var spread = Math.Max(Math.Sqrt(variance), LeastSpread * Math.Max(1e-9, StepRange.Highest - StepRange.Lowest));
        var logOutside = LogOutside - Math.Log(1 + tilt);
        var (above, tiltAbove) = Reach(1);
        var (below, tiltBelow) = Reach(-1);
        // The grid moves every loss a little, which counts where a bounded loss ends: a margin of many grid points takes that in.
        var margin = Margin * (below + above);
        return new LossWindow(tilt, mean, mean - below - margin, mean + above + margin, tiltBelow, tiltAbove);

        (double Distance, double Tilt) Reach(int side)
        {
            var best = (Distance: double.PositiveInfinity, Tilt: 0.0);
            for (var further = 0.25 / spread; further < 200 / spread; further *= 1.3)
            {
                var distance = (At(tilt + (side * further)).Value - value - (side * further * mean) - logOutside) / further;
                if (distance > best.Distance)
                {
                    break;
                }

                best = (distance, further);
            }

            return best;
        }
    }

    private double Bisect(Func<double, bool> isEnough)
    {
        var largest = 1e6 / Math.Max(1e-9, StepRange.Highest - StepRange.Lowest);
        if (isEnough(LeastTilt))
        {
            return 0;
        }

        if (!isEnough(largest))
        {
            return largest;
        }

        var (low, high) = (LeastTilt, largest);
        for (var i = 0; i < Bisections && high > 1.001 * low; i++)
        {
            var middle = Math.Sqrt(low * high);
            (low, high) = isEnough(middle) ? (low, middle) : (middle, high);
        }

        return high;
    }
}

/// <summary>The losses a composed distribution is computed on, after tilting by e^(λl).</summary>
/// <param name="Tilt">λ ≥ 0.</param>
/// <param name="Mean">Tilted mean.</param>
/// <param name="Lowest">Lowest loss of the window.</param>
/// <param name="Highest">Highest loss of the window.</param>
/// <param name="FurtherDown">θ &gt; 0: by λ − θ little is below the window.</param>
/// <param name="FurtherUp">θ &gt; 0: by λ + θ little is above the window.</param>
public readonly record struct LossWindow(double Tilt, double Mean, double Lowest, double Highest, double FurtherDown, double FurtherUp)
{
    public double Length => Highest - Lowest;
}
