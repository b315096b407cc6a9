using FlEvents.Learning.Data;

namespace FlEvents.Learning.Private;

/// <summary>The rows of the privacy units of a batch, unit by unit.</summary>
internal sealed class UnitBatch
{
    private int[] _rows = [];
    private (int Size, int Place)[] _places = [];
    private int _count;

    /// <summary>Makes room for a job of so many rows.</summary>
    public void Reserve(int rows)
    {
        if (_rows.Length < rows)
        {
            (_rows, _places) = (new int[rows], new (int, int)[rows]);
        }
    }

    /// <summary>Lists the rows of units that were drawn.</summary>
    /// <returns>How many there are.</returns>
    public int Fill(PrivacyUnits units, ReadOnlySpan<int> drawn)
    {
        _count = 0;
        foreach (var unit in drawn)
        {
            var rows = units.Rows(unit);
            rows.CopyTo(_rows.AsSpan(_count));
            for (var place = 0; place < rows.Length; place++)
            {
                _places[_count++] = (rows.Length, place);
            }
        }

        return _count;
    }

    public ReadOnlySpan<int> Rows(int start, int end) => _rows.AsSpan(start..end);

    /// <summary>Of each row, how many rows its unit has, and how many of them come before it.</summary>
    public ReadOnlySpan<(int Size, int Place)> Places(int start, int end) => _places.AsSpan(start..end);

    public void Clear()
    {
        _rows.AsSpan(0, _count).Clear();
        _places.AsSpan(0, _count).Clear();
    }
}
