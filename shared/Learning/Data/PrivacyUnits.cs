namespace FlEvents.Learning.Data;

/// <summary>Rows by the privacy unit they belong to. Units are numbered from 0 in the order in which they first appear.</summary>
public sealed class PrivacyUnits
{
    /// <summary>Where each unit's rows start in <see cref="_rows"/>, and the end of the last; shape [units + 1].</summary>
    private readonly int[] _starts;
    private readonly int[] _rows;

    /// <summary>Each row's unit; shape [rows].</summary>
    private readonly int[] _units;

    private PrivacyUnits(int[] starts, int[] rows, int[] units)
    {
        _units = units;
        _starts = starts;
        _rows = rows;
    }

    public int Count => _starts.Length - 1;

    public int RowCount => _rows.Length;

    /// <summary>Groups rows: those with the same number are of one unit.</summary>
    /// <param name="numbers">Each row's, in any range; shape [rows].</param>
    public static PrivacyUnits Of(ReadOnlySpan<int> numbers)
    {
        var known = new Dictionary<int, int>();
        var units = new int[numbers.Length];
        var sizes = new List<int>();
        for (var row = 0; row < numbers.Length; row++)
        {
            if (!known.TryGetValue(numbers[row], out var unit))
            {
                known.Add(numbers[row], unit = sizes.Count);
                sizes.Add(0);
            }

            units[row] = unit;
            sizes[unit]++;
        }

        var starts = new int[sizes.Count + 1];
        for (var unit = 0; unit < sizes.Count; unit++)
        {
            starts[unit + 1] = starts[unit] + sizes[unit];
        }

        var (next, rows) = (starts[..^1], new int[numbers.Length]);
        for (var row = 0; row < numbers.Length; row++)
        {
            rows[next[units[row]]++] = row;
        }

        return new PrivacyUnits(starts, rows, units);
    }

    /// <summary>The rows of one unit, ascending; at least one.</summary>
    public ReadOnlySpan<int> Rows(int unit) => _rows.AsSpan(_starts[unit].._starts[unit + 1]);

    /// <summary>Whether a row is the first of its unit.</summary>
    public bool IsFirst(int row) => _rows[_starts[_units[row]]] == row;

    /// <summary>The rows of several units, ascending.</summary>
    public int[] RowsOf(ReadOnlySpan<int> units)
    {
        var rows = new List<int>();
        foreach (var unit in units)
        {
            rows.AddRange(Rows(unit));
        }

        rows.Sort();
        return [.. rows];
    }
}
