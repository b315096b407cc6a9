using FlEvents.Learning.Randomness;

namespace FlEvents.Learning.Data;

/// <summary>Sets a share of a client's examples aside for validation.</summary>
public static class ValidationSplit
{
    /// <summary>As below, over privacy units in place of examples: the rows of a unit are all on one side.</summary>
    /// <returns>The rows of both, ascending.</returns>
    public static (int[] Training, int[] Validation) Split(Examples examples, double fraction, long seed, string clientId)
    {
        var units = examples.GroupByUnit();
        var (training, validation) = Split(units?.Count ?? examples.Count, fraction, seed, clientId);
        return units is null ? (training, validation) : (units.RowsOf(training), units.RowsOf(validation));
    }

    /// <summary>Draws ⌊n · fraction⌋ examples for validation; the others are for training, at least one.</summary>
    /// <param name="count">n, the client's examples, at least 1.</param>
    /// <param name="fraction">In [0, 1). Taken as the decimal number it is written as, so that 0.29 of 100 is 29.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="clientId">Names the client's own stream.</param>
    /// <returns>The indices of both, ascending; together each of 0 to n − 1 once.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public static (int[] Training, int[] Validation) Split(int count, double fraction, long seed, string clientId)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (!(fraction is >= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "A share kept for validation is at least 0 and less than 1.");
        }

        // A fraction just below 1 may round to 1 as a decimal.
        var validation = Math.Min(count - 1, (int)(count * (decimal)fraction));
        var order = Enumerable.Range(0, count).ToArray();
        SeededRandom.Derive(seed, "validation", clientId).Shuffle<int>(order);
        Array.Sort(order, 0, validation);
        Array.Sort(order, validation, count - validation);
        return (order[validation..], order[..validation]);
    }
}
