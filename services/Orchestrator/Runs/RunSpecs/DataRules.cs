using FlEvents.Contracts;
using FlEvents.Learning;

namespace FlEvents.Orchestrator.Runs;

/// <summary>Rules over the declared columns, label and scaling of a run's data, and over the inputs they give the model.</summary>
internal static class DataRules
{
    public static IEnumerable<SpecError> Check(RunSpec spec, string root)
    {
        var path = $"{root}.data";
        var data = spec.Data;
        if (data.Image is not null && data.Columns is not null)
        {
            yield return new($"{path}.image", "expected image scaling or columns, got both");
        }

        if (data.Columns is null && data.Label is not null)
        {
            yield return new($"{path}.columns", "missing; expected the feature columns that go with the label column");
        }

        if (data.Columns is not null && data.Label is null)
        {
            yield return new($"{path}.label", "missing; expected the label column that goes with the feature columns");
        }

        if (data.Columns is { } columns)
        {
            foreach (var error in Columns(columns, data.Label, $"{path}.columns").Concat(InputShape(columns, spec.Model.InputShape, root)))
            {
                yield return error;
            }
        }

        if (data.PrivacyUnitColumn is { } unit && PrivacyUnit(data, unit) is { } reason)
        {
            yield return new($"{path}.privacyUnitColumn", $"{reason}, got {SpecText.Quoted(unit)}");
        }

        if (data.Label is { } label)
        {
            foreach (var error in Label(label, $"{path}.label"))
            {
                yield return error;
            }
        }
    }

    /// <summary>What was expected of the column of the privacy units; null when it is right.</summary>
    private static string? PrivacyUnit(DataSpec data, string unit) =>
        data.Columns is null && data.Label is null ? "expected none, since images have no columns"
        : data.Columns?.Any(column => column.Name == unit) == true ? "expected a column that is no feature, since it says whose row it is"
        : data.Label?.Name == unit ? "expected a column that is not the label, since it says whose row it is"
        : null;

    private static IEnumerable<SpecError> Columns(IReadOnlyList<ColumnSpec> columns, LabelSpec? label, string path)
    {
        if (columns.Count == 0)
        {
            yield return new(path, "expected at least one column, got none");
        }

        foreach (var (index, column) in columns.Index())
        {
            var at = SpecText.Below(path, index);
            if (columns.Take(index).Any(earlier => earlier.Name == column.Name))
            {
                yield return new($"{at}.name", $"expected a column named once, got {SpecText.Quoted(column.Name)} again");
            }

            if (column.Name == label?.Name)
            {
                yield return new($"{at}.name", $"expected a feature, got the label column {SpecText.Quoted(column.Name)}");
            }

            foreach (var error in column.Kind == ColumnKind.Numeric ? Numeric(column, at) : Categorical(column, at))
            {
                yield return error;
            }
        }
    }

    private static IEnumerable<SpecError> Numeric(ColumnSpec column, string path)
    {
        if (column.Categories is not null)
        {
            yield return new($"{path}.categories", $"expected none for the numeric column {SpecText.Quoted(column.Name)}, got {column.Categories.Count}");
        }

        if (column.Other)
        {
            yield return new($"{path}.other", $"expected false for the numeric column {SpecText.Quoted(column.Name)}, got true");
        }
    }

    private static IEnumerable<SpecError> Categorical(ColumnSpec column, string path)
    {
        if (column.Categories is not { Count: > 0 })
        {
            yield return new($"{path}.categories", $"expected at least one for the categorical column {SpecText.Quoted(column.Name)}, got none");
        }

        foreach (var error in Repeated(column.Categories ?? [], $"{path}.categories", "category"))
        {
            yield return error;
        }

        if (column.Mean != 0 || column.Scale != 1 || column.Missing is not null)
        {
            yield return new(path, $"expected no mean, scale or missing for the categorical column {SpecText.Quoted(column.Name)}, got one");
        }
    }

    private static IEnumerable<SpecError> Label(LabelSpec label, string path)
    {
        foreach (var error in Repeated(label.Classes ?? [], $"{path}.classes", "class"))
        {
            yield return error;
        }

        if (label.Classes is not null && (label.Mean != 0 || label.Scale != 1))
        {
            yield return new(path, "expected no mean or scale for a label with classes, got one");
        }
    }

    private static IEnumerable<SpecError> Repeated(IReadOnlyList<string> names, string path, string what)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, name) in names.Index())
        {
            if (!seen.Add(name))
            {
                yield return new(SpecText.Below(path, index), $"expected each {what} once, got {SpecText.Quoted(name)} again");
            }
        }
    }

    private static IEnumerable<SpecError> InputShape(IReadOnlyList<ColumnSpec> columns, IReadOnlyList<int> shape, string root)
    {
        var given = columns.Sum(column => column.Kind == ColumnKind.Numeric ? 1L : (column.Categories?.Count ?? 0) + (column.Other ? 1L : 0));
        var product = shape.Aggregate(1.0, (values, side) => values * side);
        if (product != given)
        {
            var shown = string.Join(", ", shape);
            yield return new($"{root}.model.inputShape", $"expected {given} inputs, which is what the columns give, got {SpecText.Number(product)} from [{shown}]");
        }
    }
}
