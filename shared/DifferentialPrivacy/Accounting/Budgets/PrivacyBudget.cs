namespace FlEvents.DifferentialPrivacy.Accounting.Budgets;

/// <summary>A budget as a number of indivisible units, and what events take from it.</summary>
/// <remarks>
/// Charges are rounded up and the capacity down, both after a relative margin far above the error of the formulas, so sums of integers never admit what
/// exact arithmetic would refuse. Sums of charges at a Rényi order fixed beforehand (or of ρ) stay valid when every event was chosen by looking at the
/// answers so far, in several runs at once too: Feldman and Zrnic 2021, arXiv:2008.11193; Whitehouse et al. 2023, arXiv:2203.05481.
/// </remarks>
public abstract record PrivacyBudget
{
    /// <summary>Units of 10⁻⁹.</summary>
    public const double UnitsPerOne = 1e9;

    internal const double RelativeMargin = 1e-9;

    /// <summary>Below 2⁵³: every count up to here is a double.</summary>
    internal const double MostUnits = 9e15;

    private protected PrivacyBudget()
    {
    }

    /// <summary>In units, at least 0.</summary>
    public abstract long Capacity { get; }

    /// <summary>What charges against it are counted in.</summary>
    public abstract PrivacyMeasure Measure { get; }

    /// <summary>What an event takes.</summary>
    public BudgetCharge Charge(PrivacyEvent composed) => Measure.Charge(composed);

    /// <summary>Whether a charge may be taken after <paramref name="spentUnits"/>: committed and reserved together.</summary>
    public bool Admits(long spentUnits, BudgetCharge charge) =>
        !charge.IsUnbounded && spentUnits >= 0 && spentUnits <= Capacity && charge.Units <= Capacity - spentUnits;

    /// <summary>How many more times a charge is admitted; null where it is nothing and there is no end.</summary>
    public long? RoundsLeft(long spentUnits, BudgetCharge charge) =>
        !Admits(spentUnits, charge) ? 0 : charge.Units == 0 ? null : (Capacity - spentUnits) / charge.Units;

    /// <summary>How many of the planned rounds are admitted, one after the other, up to the first that is not.</summary>
    public int RoundsLeft(long spentUnits, IEnumerable<PrivacyEvent> planned)
    {
        var (admitted, spent, known) = (0, spentUnits, new Dictionary<PrivacyEvent, BudgetCharge>());
        foreach (var round in planned)
        {
            if (!known.TryGetValue(round, out var charge))
            {
                known[round] = charge = Charge(round);
            }

            if (!Admits(spent, charge))
            {
                break;
            }

            spent += charge.Units;
            admitted++;
        }

        return admitted;
    }

    /// <summary>A value in units, rounded down after the margin.</summary>
    private protected static long RoundedDown(double value) => value > 0 && double.IsFinite(value)
        ? (long)Math.Min(Math.Floor(value * (1 - RelativeMargin) * UnitsPerOne), MostUnits)
        : 0;
}
