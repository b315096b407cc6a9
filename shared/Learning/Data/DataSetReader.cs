using FlEvents.Contracts;

namespace FlEvents.Learning.Data;

/// <summary>Reads the examples of a data set. A file is treated as hostile: whatever is wrong with it ends in a <see cref="DataException"/>.</summary>
public static class DataSetReader
{
    /// <summary>Reads the examples in the source's range and scales them as declared.</summary>
    /// <param name="source">Where they come from.</param>
    /// <param name="spec">Scaling of images, or columns and label of a CSV.</param>
    /// <param name="inputShape">
    /// The model's: its product must be the number of inputs the data gives. Images fit [1, rows, columns] and any shape of one dimension.
    /// </param>
    /// <param name="classes">Classes the model tells apart: a label outside is an error. Null where the label is a number, or nothing is known.</param>
    /// <param name="withUnits">
    /// Whether the examples carry their privacy units, where the declaration names a column for them. Data that a model is only scored on needs no such column.
    /// </param>
    /// <exception cref="DataException">
    /// The declaration, the file or a value in it is not as expected. Faults of the disk stay <see cref="IOException"/>.
    /// </exception>
    public static Examples Read(DataSource source, DataSpec spec, IReadOnlyList<int> inputShape, int? classes = null, bool withUnits = false)
    {
        ThrowIfAny(source.Check());
        if (source.Kind == DataSourceKind.Csv)
        {
            return CsvExamples.Read(source, spec, inputShape, classes, withUnits);
        }

        if (spec.Columns is not null || spec.Label is not null)
        {
            throw new DataException($"{spec.DataSet}: {(spec.Columns is not null ? "columns" : "label")} is declared; images take none.");
        }

        if (spec.PrivacyUnitColumn is { } unit)
        {
            throw new DataException($"{spec.DataSet}: privacyUnitColumn is '{unit}'; only a CSV has columns.");
        }

        return source.Kind == DataSourceKind.Idx
            ? ReadIdx(source, spec, inputShape, classes)
            : DrawDigits(source, spec, inputShape, classes);
    }

    /// <summary>Counts the examples in the source's range: from the header of an IDX file, the records of a CSV, or the declaration.</summary>
    /// <exception cref="DataException">As <see cref="Read"/>, as far as the count shows it.</exception>
    public static int CountExamples(DataSource source)
    {
        ThrowIfAny(source.Check());
        switch (source.Kind)
        {
            case DataSourceKind.Csv:
                return CsvRows.Count(source);
            case DataSourceKind.Digits:
                return source.CountOf(source.Count!.Value, "digits");
            default:
                using (var images = IdxFile.Open(source.Images!, dimensions: 3))
                {
                    return source.CountOf(images.Count, source.Images!);
                }
        }
    }

    /// <summary>Reads what a split among clients goes by, and no example.</summary>
    /// <param name="privacyUnitColumn">Column of a CSV whose values are the privacy units; null where each row is one.</param>
    /// <exception cref="DataException">As <see cref="CountExamples"/> and <see cref="ReadPartitionValues"/>; or a privacy unit is missing.</exception>
    public static PartitionBasis ReadPartitionBasis(DataSource source, PartitionSpec partition, string? privacyUnitColumn)
    {
        var values = ReadPartitionValues(source, partition);
        if (privacyUnitColumn is null)
        {
            return new PartitionBasis(CountExamples(source), values, Units: null);
        }

        var units = ReadUnits(source, privacyUnitColumn);
        return new PartitionBasis(units.RowCount, values, units);
    }

    /// <summary>Reads the privacy units of a CSV's rows, and no example.</summary>
    /// <param name="column">The column whose values they are.</param>
    /// <exception cref="DataException">The source is no CSV, there is no such column, a value is missing, or the file can't be read.</exception>
    public static PrivacyUnits ReadUnits(DataSource source, string column)
    {
        ThrowIfAny(source.Check());
        return source.Kind == DataSourceKind.Csv
            ? PrivacyUnits.Of(CsvExamples.ReadUnits(source, column, new UnitNumbers()))
            : throw new DataException($"privacyUnitColumn is '{column}'; only a CSV has columns.");
    }

    /// <summary>Counts the privacy units of a CSV that have rows in another one too; null where the other has no such column.</summary>
    /// <exception cref="DataException">As <see cref="ReadUnits"/>.</exception>
    public static int? CountSharedUnits(DataSource source, DataSource other, string column)
    {
        ThrowIfAny([.. source.Check(), .. other.Check()]);
        using (var file = CsvFile.Open(other.Path!))
        {
            if (!file.Has(column))
            {
                return null;
            }
        }

        var numbers = new UnitNumbers();
        CsvExamples.ReadUnits(source, column, numbers);
        var known = numbers.Count;
        return CsvExamples.ReadUnits(other, column, numbers).Where(number => number < known).Distinct().Count();
    }

    /// <summary>Reads the values that a rule splits the examples by: the classes of images, or a column of a CSV; null for iid, which needs none.</summary>
    /// <exception cref="DataException">As <see cref="Read"/>; or the rule and the source do not fit, e.g. no column is named for a CSV.</exception>
    public static PartitionValues? ReadPartitionValues(DataSource source, PartitionSpec partition)
    {
        ThrowIfAny([.. source.Check(), .. partition.CheckDeclaration()]);
        if (partition.Rule == PartitionRule.Iid)
        {
            return null;
        }

        if (source.Kind == DataSourceKind.Csv)
        {
            return partition.Column is { } column
                ? PartitionValues.OfText(CsvRows.ReadColumn(source, column))
                : throw new DataException("column is missing; the partition of a CSV by its label needs it.");
        }

        if (partition.Column is not null)
        {
            throw new DataException($"column is '{partition.Column}'; only a CSV has columns.");
        }

        if (source.Kind == DataSourceKind.Idx)
        {
            using var labels = IdxFile.Open(source.Labels!, dimensions: 1);
            return PartitionValues.OfClasses(ReadLabels(labels, source, source.CountOf(labels.Count, source.Labels!), classes: null));
        }

        var drawn = new int[source.CountOf(source.Count!.Value, "digits")];
        for (var i = 0; i < drawn.Length; i++)
        {
            drawn[i] = DigitGenerator.Class(source.Seed ?? 1, source.Skip + i);
        }

        return PartitionValues.OfClasses(drawn);
    }

    private static Examples ReadIdx(DataSource source, DataSpec spec, IReadOnlyList<int> inputShape, int? classes)
    {
        using var images = IdxFile.Open(source.Images!, dimensions: 3);
        using var labels = IdxFile.Open(source.Labels!, dimensions: 1);
        if (images.Count != labels.Count)
        {
            throw labels.Error(
                $"byte offset 4: {labels.Count} labels; expected {images.Count}, as many as there are images in {Path.GetFileName(source.Images)}.");
        }

        CheckShape(spec, images.ItemShape[0], images.ItemShape[1], inputShape);
        var count = source.CountOf(images.Count, source.Images!);
        var levels = Levels(spec.Image);
        var read = ReadLabels(labels, source, count, classes);
        images.CheckLength();
        images.Skip(source.Skip);

        var inputs = new float[count * images.ItemSize];
        var buffer = new byte[1 << 16];
        for (var at = 0; at < inputs.Length;)
        {
            var block = buffer.AsSpan(0, Math.Min(buffer.Length, inputs.Length - at));
            images.Read(block);
            foreach (var pixel in block)
            {
                inputs[at++] = levels[pixel];
            }
        }

        return new Examples(inputs, images.ItemSize, read, targets: null);
    }

    private static int[] ReadLabels(IdxFile labels, DataSource source, int count, int? classes)
    {
        labels.CheckLength();
        labels.Skip(source.Skip);
        var bytes = new byte[count];
        labels.Read(bytes);
        var read = new int[count];
        for (var i = 0; i < count; i++)
        {
            read[i] = bytes[i] < (classes ?? 256)
                ? bytes[i]
                : throw labels.Error($"byte offset {8L + source.Skip + i}: label {bytes[i]}; expected 0 to {classes - 1}, the classes the model tells apart.");
        }

        return read;
    }

    private static Examples DrawDigits(DataSource source, DataSpec spec, IReadOnlyList<int> inputShape, int? classes)
    {
        CheckShape(spec, DigitGenerator.Side, DigitGenerator.Side, inputShape);
        if (classes < DigitGenerator.Classes)
        {
            throw new DataException($"{spec.DataSet}: the model tells {classes} classes apart; generated digits have {DigitGenerator.Classes}.");
        }

        var count = source.CountOf(source.Count!.Value, "digits");
        var levels = Levels(spec.Image);
        var inputs = new float[count * DigitGenerator.Pixels];
        var drawn = new int[count];
        Span<byte> pixels = stackalloc byte[DigitGenerator.Pixels];
        for (var i = 0; i < count; i++)
        {
            drawn[i] = DigitGenerator.Draw(source.Seed ?? 1, source.Skip + i, pixels);
            var input = inputs.AsSpan(i * DigitGenerator.Pixels, DigitGenerator.Pixels);
            for (var p = 0; p < input.Length; p++)
            {
                input[p] = levels[pixels[p]];
            }
        }

        return new Examples(inputs, DigitGenerator.Pixels, drawn, targets: null);
    }

    private static void CheckShape(DataSpec spec, int rows, int columns, IReadOnlyList<int> inputShape)
    {
        var fits = inputShape is [var inputs] ? inputs == rows * columns : inputShape is [1, var height, var width] && height == rows && width == columns;
        if (!fits)
        {
            var shape = string.Join(", ", inputShape);
            var product = inputShape.Aggregate(1.0, (a, b) => a * b);
            throw new DataException(FormattableString.Invariant(
                $"{spec.DataSet}: an image gives {rows * columns} inputs, 1×{rows}×{columns}; the model's inputShape [{shape}] has {product}."));
        }
    }

    /// <summary>The input of each of the 256 grey levels: (pixel / 255 − mean) / scale, rounded once.</summary>
    private static float[] Levels(ImageScaling? scaling)
    {
        scaling ??= new ImageScaling();
        float[] levels = [.. Enumerable.Range(0, 256).Select(pixel => (float)(((pixel / 255.0) - scaling.Mean) / scaling.Scale))];
        return scaling.Scale > 0 && levels.All(float.IsFinite)
            ? levels
            : throw new DataException(FormattableString.Invariant(
                $"image: mean {scaling.Mean} and scale {scaling.Scale}; expected a scale above 0 and scaled pixels that fit a 32-bit float."));
    }

    private static void ThrowIfAny(IReadOnlyList<SpecError> errors)
    {
        if (errors.Count > 0)
        {
            throw new DataException([.. errors.Select(error => error.Message)]);
        }
    }
}
