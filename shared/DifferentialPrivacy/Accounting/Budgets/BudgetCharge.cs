namespace FlEvents.DifferentialPrivacy.Accounting.Budgets;

/// <summary>What one event takes from a budget: a whole number of units, or more than any budget holds.</summary>
/// <remarks>The default value is unbounded: a charge nobody computed admits nothing.</remarks>
public readonly record struct BudgetCharge
{
    private readonly bool _isBounded;
    private readonly long _units;

    private BudgetCharge(long units) => (_isBounded, _units) = (true, units);

    public static BudgetCharge Unbounded => default;

    public bool IsUnbounded => !_isBounded;

    /// <summary>In units of 10⁻⁹, at least 0.</summary>
    /// <exception cref="InvalidOperationException">The charge is unbounded.</exception>
    public long Units => _isBounded ? _units : throw new InvalidOperationException("An unbounded charge has no units.");

    /// <param name="units">At least 0.</param>
    public static BudgetCharge OfUnits(long units) => new(Require.Between(units, 0, long.MaxValue));

    /// <summary>The sum; unbounded when either is, or when the sum is beyond a 64-bit integer.</summary>
    public static BudgetCharge operator +(BudgetCharge left, BudgetCharge right) => left.Plus(right);

    public BudgetCharge Plus(BudgetCharge other) =>
        IsUnbounded || other.IsUnbounded || _units > long.MaxValue - other._units ? Unbounded : new(_units + other._units);

    /// <summary>The charge of the same event <paramref name="count"/> times, at least 0.</summary>
    public BudgetCharge Times(long count) => Require.Between(count, 0, long.MaxValue) == 0
        ? new(0)
        : IsUnbounded || _units > long.MaxValue / count ? Unbounded : new(_units * count);

    /// <summary>A value in units, rounded up after a margin for what computing it may have rounded down.</summary>
    internal static BudgetCharge RoundedUp(double value)
    {
        var units = Math.Ceiling(value * (1 + PrivacyBudget.RelativeMargin) * PrivacyBudget.UnitsPerOne);
        return units >= 0 && units < PrivacyBudget.MostUnits ? new((long)units) : Unbounded;
    }
}
