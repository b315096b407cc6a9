using System.Globalization;
using FlEvents.Orchestrator.Runs;
using Spectre.Console;

namespace FlEvents.Standalone.Console;

/// <summary>One tensor of a model as <c>flevents model inspect</c> shows it.</summary>
public record TensorView
{
    public required string Name { get; init; }

    /// <summary>Type of its elements as the file names it, e.g. <c>F32</c>.</summary>
    public required string DType { get; init; }

    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>Smallest element; null for a tensor without elements or with one that is not a number.</summary>
    public required double? Minimum { get; init; }

    public required double? Maximum { get; init; }

    /// <summary>Euclidean norm; null for a tensor with an element that is not a number.</summary>
    public required double? Norm { get; init; }

    /// <summary>The view of a tensor of 32-bit floats.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="values">Its elements, as many as the shape says.</param>
    public static TensorView Of(string name, IReadOnlyList<long> shape, ReadOnlySpan<float> values)
    {
        var (minimum, maximum, squares) = (double.PositiveInfinity, double.NegativeInfinity, 0.0);
        foreach (var value in values)
        {
            // Min and Max of Math give NaN as soon as one operand is.
            (minimum, maximum, squares) = (Math.Min(minimum, value), Math.Max(maximum, value), squares + ((double)value * value));
        }

        var sound = !double.IsNaN(squares);
        return new TensorView
        {
            Name = name,
            DType = "F32",
            Shape = shape,
            Minimum = sound && values.Length > 0 ? minimum : null,
            Maximum = sound && values.Length > 0 ? maximum : null,
            Norm = sound ? Math.Sqrt(squares) : null,
        };
    }
}

/// <summary>The table of <c>flevents model inspect</c>.</summary>
public static class ModelInspection
{
    /// <summary>Writes one line per tensor and the number of elements in all.</summary>
    /// <param name="console">Where to.</param>
    /// <param name="sha256">SHA-256 of the file, which is the model's name.</param>
    /// <param name="sizeBytes">Length of the file.</param>
    /// <param name="tensors">Its tensors, in the order of the file.</param>
    public static void Write(IAnsiConsole console, string sha256, long sizeBytes, IReadOnlyList<TensorView> tensors)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var (index, heading) in new[] { "Tensor", "Type", "Shape", "Min", "Max", "Norm" }.Index())
        {
            var column = new TableColumn(new Text(heading));
            table.AddColumn(index is 0 or 1 ? column : column.RightAligned());
        }

        foreach (var tensor in tensors)
        {
            string[] cells =
            [
                SpecText.Plain(tensor.Name),
                SpecText.Plain(tensor.DType),
                $"[{string.Join(", ", tensor.Shape)}]",
                Number(tensor.Minimum),
                Number(tensor.Maximum),
                Number(tensor.Norm),
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }

        var elements = tensors.Sum(tensor => tensor.Shape.Aggregate(1L, (product, side) => product * side));
        console.Write(table);
        console.WriteLine($"{HumanUnits.Count(elements)} elements in {tensors.Count} tensors, {HumanUnits.Bytes(sizeBytes)}");
        console.WriteLine($"SHA-256 {sha256}");
    }

    private static string Number(double? value) => value?.ToString("G5", CultureInfo.InvariantCulture) ?? "not a number";
}
