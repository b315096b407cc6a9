namespace FlEvents.DifferentialPrivacy.Accounting.Pld;

/// <summary>The privacy loss ln(P(o)/Q(o)), o ~ P, of one step, cut into pieces of the line.</summary>
/// <remarks>
/// A piece stands for outputs whose loss is in [Low, High]: it has their probability under P, and as its loss ln(P(piece)/Q(piece)). Telling only the piece
/// is post-processing, so the pieces are dominated by the mechanism; spreading each piece to the ends of its interval dominates the mechanism.
/// </remarks>
public sealed class LossPieces
{
    private readonly List<double> _masses;
    private readonly List<double> _losses;
    private readonly List<double> _lows;
    private readonly List<double> _highs;
    private readonly (double Below, double Above)? _cut;

    /// <param name="capacity">Pieces to make room for.</param>
    /// <param name="cut">Where the cuts are, when not at the ends of the pieces.</param>
    public LossPieces(int capacity = 16, (double Below, double Above)? cut = null)
    {
        _cut = cut;
        (_masses, _losses) = (new List<double>(capacity), new List<double>(capacity));
        (_lows, _highs) = (new List<double>(capacity), new List<double>(capacity));
    }

    public int Count => _masses.Count;

    /// <summary>Probability under P of what was cut off above the highest piece, and its probability under Q.</summary>
    public (double P, double Q) Above { get; init; }

    /// <summary>The same below the lowest piece.</summary>
    public (double P, double Q) Below { get; init; }

    /// <summary>Probability under P of outputs that Q cannot produce, and under Q of outputs that P cannot produce.</summary>
    public (double P, double Q) Infinite { get; init; }

    /// <summary>What was cut off below has at most the first of these losses, and what was cut off above at least the second.</summary>
    public (double Below, double Above) Cut => _cut ?? (_lows[0], _highs[^1]);

    /// <summary>Whether the loss is bounded below with much of its probability near there, and not above: then merging must begin below.</summary>
    public bool IsBoundedBelow { get; init; }

    public double Mass(int i) => _masses[i];

    public double Loss(int i) => _losses[i];

    public double Low(int i) => _lows[i];

    public double High(int i) => _highs[i];

    /// <summary>Adds the next piece; pieces come with growing loss.</summary>
    public void Add(double mass, double loss, double low, double high)
    {
        if (mass > 0)
        {
            _masses.Add(mass);
            _losses.Add(loss);
            _lows.Add(low);
            _highs.Add(high);
        }
    }

    /// <summary>The same outputs with P and Q exchanged: the other direction of the adjacency.</summary>
    public LossPieces Mirrored()
    {
        var mirrored = new LossPieces(Count, (-Cut.Above, -Cut.Below))
        {
            Above = (Below.Q, Below.P),
            Below = (Above.Q, Above.P),
            Infinite = (Infinite.Q, Infinite.P),
            IsBoundedBelow = !IsBoundedBelow,
        };
        for (var i = Count - 1; i >= 0; i--)
        {
            mirrored.Add(_masses[i] * Math.Exp(-_losses[i]), -_losses[i], -_highs[i], -_lows[i]);
        }

        return mirrored;
    }

    /// <summary>The pieces of a public draw between two mechanisms.</summary>
    /// <param name="first">Drawn with probability 1 − <paramref name="share"/>.</param>
    /// <param name="second">Drawn with probability <paramref name="share"/>.</param>
    /// <param name="share">In (0, 1).</param>
    public static LossPieces Mixture(LossPieces first, LossPieces second, double share)
    {
        var cut = (Math.Max(first.Cut.Below, second.Cut.Below), Math.Min(first.Cut.Above, second.Cut.Above));
        var mixed = new LossPieces(first.Count + second.Count, cut)
        {
            Above = Mix(first.Above, second.Above),
            Below = Mix(first.Below, second.Below),
            Infinite = Mix(first.Infinite, second.Infinite),
        };
        for (int i = 0, j = 0; i < first.Count || j < second.Count;)
        {
            if (j == second.Count || (i < first.Count && first.Loss(i) <= second.Loss(j)))
            {
                mixed.Add((1 - share) * first.Mass(i), first.Loss(i), first.Low(i), first.High(i));
                i++;
            }
            else
            {
                mixed.Add(share * second.Mass(j), second.Loss(j), second.Low(j), second.High(j));
                j++;
            }
        }

        return mixed;

        (double P, double Q) Mix((double P, double Q) a, (double P, double Q) b) =>
            (((1 - share) * a.P) + (share * b.P), ((1 - share) * a.Q) + (share * b.Q));
    }
}
