namespace FlEvents.Learning.Data;

/// <summary>What a data set is split by: its rows, the values that a rule goes by, and the privacy units that stay whole.</summary>
/// <param name="Rows">Rows of the data set.</param>
/// <param name="Values">Of each row; null for iid.</param>
/// <param name="Units">The rows by privacy unit; null where each row is a unit of its own.</param>
public sealed record PartitionBasis(int Rows, PartitionValues? Values, PrivacyUnits? Units)
{
    /// <summary>Privacy units of the data set.</summary>
    public int Count => Units?.Count ?? Rows;

    /// <summary>Privacy units of a part, which is what its client declares.</summary>
    /// <param name="part">Its rows; each unit whole.</param>
    public int CountOf(ReadOnlySpan<int> part)
    {
        if (Units is null)
        {
            return part.Length;
        }

        var count = 0;
        foreach (var row in part)
        {
            count += Units.IsFirst(row) ? 1 : 0;
        }

        return count;
    }

    /// <summary>
    /// One value for each privacy unit: the one that most of its rows have, of several the first in order. Null where there are none.
    /// </summary>
    public PartitionValues? UnitValues()
    {
        if (Units is null || Values is null)
        {
            return Values;
        }

        var codes = new int[Units.Count];
        for (var unit = 0; unit < codes.Length; unit++)
        {
            codes[unit] = MostFrequent(Units.Rows(unit));
        }

        // A value that no unit has most of is none to split by.
        var left = codes.Distinct().Order().ToArray();
        return new PartitionValues([.. codes.Select(code => Array.BinarySearch(left, code))], [.. left.Select(code => Values.Names[code])]);
    }

    /// <summary>Privacy units whose rows do not all have the same value.</summary>
    public int CountMixed()
    {
        var mixed = 0;
        for (var unit = 0; Values is not null && unit < Units?.Count; unit++)
        {
            var rows = Units.Rows(unit);
            foreach (var row in rows)
            {
                if (Values.Codes[row] != Values.Codes[rows[0]])
                {
                    mixed++;
                    break;
                }
            }
        }

        return mixed;
    }

    private int MostFrequent(ReadOnlySpan<int> rows)
    {
        var codes = new int[rows.Length];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = Values!.Codes[rows[i]];
        }

        return codes.CountBy(code => code).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).First().Key;
    }
}
