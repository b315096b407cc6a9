namespace FlEvents.Learning.Data;

/// <summary>Plain reads of a CSV's rows, without turning them into examples.</summary>
public static class CsvRows
{
    /// <summary>Counts the rows in the source's range: the records after the header that are not blank lines.</summary>
    /// <exception cref="DataException">The file can't be read, or the range does not fit it.</exception>
    public static int Count(DataSource source)
    {
        using var file = CsvFile.Open(source.Path!);
        long rows = 0;
        while (file.Read())
        {
            rows++;
        }

        return source.CountOf(rows, source.Path!);
    }

    /// <summary>Reads one column of the rows in the source's range, as text, in the order of the file.</summary>
    /// <exception cref="DataException">There is no such column, a value is empty, a record is malformed, or the range does not fit the file.</exception>
    public static string[] ReadColumn(DataSource source, string column)
    {
        using var file = CsvFile.Open(source.Path!);
        var field = file.Field(column);
        file.Errors.ThrowIfAny();
        var values = new List<string>();
        ForEach(source, file, () =>
        {
            if (file.HasAllFields())
            {
                var value = file.Text(field);
                if (value.Length == 0)
                {
                    file.Refuse(column, field, "a value, since the data set is split by this column");
                }

                values.Add(value);
            }
        });

        return [.. values];
    }

    /// <summary>Visits the rows in the source's range, then throws the errors that were added on the way.</summary>
    internal static void ForEach(DataSource source, CsvFile file, Action visit)
    {
        long row = 0;
        var end = source.Take is null ? long.MaxValue : (long)source.Skip + source.Take.Value;
        while (row < end && file.Read())
        {
            if (row++ >= source.Skip)
            {
                visit();
            }
        }

        file.Errors.ThrowIfAny();
        source.CountOf(row, source.Path!);
    }
}
