using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using FlEvents.Contracts;

namespace FlEvents.Learning.Data;

/// <summary>Turns the rows of a CSV into examples as a <see cref="DataSpec"/> declares.</summary>
/// <remarks>
/// A value is missing when it is empty, or one of NA, N/A, NaN, null and ? in any case, unless it is a declared category or class. Numbers are in
/// the invariant culture: a point, no thousands separator, an exponent where wanted.
/// </remarks>
internal static class CsvExamples
{
    /// <exception cref="DataException">With every error found, up to 20.</exception>
    /// <param name="withUnits">Whether to read the privacy units where the declaration names their column.</param>
    public static Examples Read(DataSource source, DataSpec spec, IReadOnlyList<int> inputShape, int? classes, bool withUnits)
    {
        CheckSpec(spec, inputShape, classes);
        using var file = CsvFile.Open(source.Path!);
        var columns = spec.Columns!.Select(column => new Column(column, file.Field(column.Name))).ToArray();
        var label = new Label(spec.Label!, file.Field(spec.Label!.Name));
        var unit = withUnits && spec.PrivacyUnitColumn is { } name ? new Unit(new UnitNumbers(), name, file.Field(name)) : null;
        file.Errors.ThrowIfAny();

        var width = columns.Sum(column => column.Width);
        var inputs = new List<float>();
        var labelClasses = new List<int>();
        var targets = new List<float>();
        CsvRows.ForEach(source, file, () =>
        {
            if (!file.HasAllFields())
            {
                return;
            }

            if ((long)inputs.Count + width > Array.MaxLength)
            {
                throw file.Errors.Fatal($"line {file.Line}: more than {Array.MaxLength} inputs; expected fewer rows or columns.");
            }

            CollectionsMarshal.SetCount(inputs, inputs.Count + width);
            var row = CollectionsMarshal.AsSpan(inputs)[^width..];
            foreach (var column in columns)
            {
                column.Encode(file, row[..column.Width]);
                row = row[column.Width..];
            }

            label.Encode(file, labelClasses, targets);
            unit?.Encode(file);
        });

        return new Examples([.. inputs], width, label.IsClass ? [.. labelClasses] : null, label.IsClass ? null : [.. targets], unit?.Numbers);
    }

    /// <summary>Reads the privacy units alone: each row's number, from 0 in the order in which the values first appear; shape [rows].</summary>
    /// <exception cref="DataException">There is no such column, a value is missing, a record is malformed, or the range does not fit the file.</exception>
    /// <param name="numbers">Those given so far; a value that has one keeps it.</param>
    public static int[] ReadUnits(DataSource source, string column, UnitNumbers numbers)
    {
        using var file = CsvFile.Open(source.Path!);
        var unit = new Unit(numbers, column, file.Field(column));
        file.Errors.ThrowIfAny();
        CsvRows.ForEach(source, file, () =>
        {
            if (file.HasAllFields())
            {
                unit.Encode(file);
            }
        });

        return unit.Numbers;
    }

    private static void CheckSpec(DataSpec spec, IReadOnlyList<int> inputShape, int? classes)
    {
        List<string> errors = [];
        var columns = spec.Columns ?? [];
        if (columns.Count == 0 || spec.Label is null)
        {
            throw new DataException($"{spec.DataSet}: a CSV needs columns and a label; {(spec.Label is null ? "label" : "columns")} is missing.");
        }

        var names = columns.Select(c => c.Name).Append(spec.Label.Name);
        foreach (var name in names.GroupBy(n => n, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            errors.Add($"{spec.DataSet}: column '{name.Key}' is declared {name.Count()} times among columns and label; expected once.");
        }

        if (spec.PrivacyUnitColumn is { } unit && names.Contains(unit, StringComparer.Ordinal))
        {
            errors.Add($"{spec.DataSet}: privacyUnitColumn is '{unit}', which is among columns and label; expected a column of its own.");
        }

        foreach (var column in columns)
        {
            errors.AddRange(CheckNames(spec, column.Name, "categories", column.Kind == ColumnKind.Categorical ? column.Categories ?? [] : null));
            errors.AddRange(CheckScale(spec, column.Name, column.Mean, column.Scale));
            if (column.Missing is { } missing && !float.IsFinite((float)((missing - column.Mean) / column.Scale)))
            {
                errors.Add(
                    $"{spec.DataSet}: column '{column.Name}': missing is {Invariant(missing)}; expected a number that fits a 32-bit float after scaling.");
            }
        }

        errors.AddRange(CheckNames(spec, spec.Label.Name, "classes", spec.Label.Classes));
        errors.AddRange(CheckScale(spec, spec.Label.Name, spec.Label.Mean, spec.Label.Scale));
        if (classes is not null && classes != spec.Label.Classes?.Count)
        {
            var label = spec.Label.Classes is { } declared ? $"one of {declared.Count} classes" : "a number";
            errors.Add($"{spec.DataSet}: the label is {label}; the model tells {classes} classes apart.");
        }

        var width = columns.Sum(c => (long)Width(c));
        var product = inputShape.Aggregate(1.0, (a, b) => a * b);
        if (width != product)
        {
            errors.Add($"{spec.DataSet}: the columns give {width} inputs; the model's inputShape [{string.Join(", ", inputShape)}] has {Invariant(product)}.");
        }

        if (errors.Count > 0)
        {
            throw new DataException(errors);
        }
    }

    private static IEnumerable<string> CheckNames(DataSpec spec, string column, string what, IReadOnlyList<string>? names)
    {
        if (names is { Count: 0 })
        {
            yield return $"{spec.DataSet}: column '{column}' has no {what}; expected at least one.";
        }

        foreach (var name in (names ?? []).GroupBy(n => n, StringComparer.Ordinal).Where(g => g.Count() > 1))
        {
            yield return $"{spec.DataSet}: column '{column}': '{name.Key}' is among the {what} {name.Count()} times; expected once.";
        }
    }

    private static IEnumerable<string> CheckScale(DataSpec spec, string column, double mean, double scale)
    {
        if (!double.IsFinite(mean) || !double.IsFinite(scale) || scale <= 0)
        {
            yield return $"{spec.DataSet}: column '{column}': mean {Invariant(mean)} and scale {Invariant(scale)}; expected finite numbers, the scale above 0.";
        }
    }

    private static int Width(ColumnSpec column) =>
        column.Kind == ColumnKind.Numeric ? 1 : (column.Categories?.Count ?? 0) + (column.Other ? 1 : 0);

    private static Dictionary<string, int> Positions(IReadOnlyList<string> names) =>
        names.Select((name, position) => (name, position)).ToDictionary(p => p.name, p => p.position, StringComparer.Ordinal);

    private static bool IsMissing(ReadOnlySpan<byte> value) =>
        value.IsEmpty
        || value.SequenceEqual("?"u8)
        || Ascii.EqualsIgnoreCase(value, "NA"u8)
        || Ascii.EqualsIgnoreCase(value, "N/A"u8)
        || Ascii.EqualsIgnoreCase(value, "NaN"u8)
        || Ascii.EqualsIgnoreCase(value, "null"u8);

    private static string Invariant(double value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Parses a finite number whose scaled value fits a float; adds an error and gives 0 where it is none.</summary>
    private static float Number(CsvFile file, string column, int field, double mean, double scale)
    {
        if (!double.TryParse(file.Utf8(field), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
        {
            file.Refuse(column, field, "a finite number");
            return 0;
        }

        var scaled = (float)((number - mean) / scale);
        if (!float.IsFinite(scaled))
        {
            file.Refuse(column, field, $"a number that fits a 32-bit float after scaling (mean {Invariant(mean)}, scale {Invariant(scale)})");
            return 0;
        }

        return scaled;
    }

    private sealed class Column(ColumnSpec spec, int field)
    {
        private readonly Dictionary<string, int>? _categories = spec.Kind == ColumnKind.Categorical ? Positions(spec.Categories!) : null;

        public int Width { get; } = Width(spec);

        /// <param name="values">Zeros; shape [<see cref="Width"/>].</param>
        public void Encode(CsvFile file, Span<float> values)
        {
            values.Clear();
            if (_categories is not null)
            {
                if (_categories.TryGetValue(file.Text(field), out var category))
                {
                    values[category] = 1;
                }
                else if (spec.Other)
                {
                    values[^1] = 1;
                }
                else
                {
                    file.Refuse(spec.Name, field, $"one of the {_categories.Count} declared categories (there is no slot for others)");
                }
            }
            else if (!IsMissing(file.Utf8(field)))
            {
                values[0] = Number(file, spec.Name, field, spec.Mean, spec.Scale);
            }
            else if (spec.Missing is { } missing)
            {
                values[0] = (float)((missing - spec.Mean) / spec.Scale);
            }
            else
            {
                file.Refuse(spec.Name, field, "a number (the column declares no replacement for missing values)");
            }
        }
    }

    private sealed class Unit(UnitNumbers numbers, string column, int field)
    {
        private readonly List<int> _rows = [];

        public int[] Numbers => [.. _rows];

        public void Encode(CsvFile file)
        {
            var value = file.Utf8(field);
            if (IsMissing(value))
            {
                // Who has no name of its own would be one unit with all others who have none.
                file.RefuseMissing(column, "a value, since it says whose row this is");
            }

            _rows.Add(numbers.Of(value));
        }
    }

    private sealed class Label(LabelSpec spec, int field)
    {
        private readonly Dictionary<string, int>? _classes = spec.Classes is null ? null : Positions(spec.Classes);

        public bool IsClass => _classes is not null;

        public void Encode(CsvFile file, List<int> classes, List<float> targets)
        {
            if (_classes is null)
            {
                targets.Add(Number(file, spec.Name, field, spec.Mean, spec.Scale));
                return;
            }

            if (!_classes.TryGetValue(file.Text(field), out var position))
            {
                file.Refuse(spec.Name, field, $"one of the {_classes.Count} declared classes");
            }

            classes.Add(position);
        }
    }
}
