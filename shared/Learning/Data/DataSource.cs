using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.Learning.Data;

/// <summary>Where the examples of a named data set come from. Bound from options of a service, or from the <c>simulation</c> part of a run file.</summary>
public record DataSource
{
    [Description("Kind of source: idx, csv or digits.")]
    public DataSourceKind? Kind { get; init; }

    [Description("Image file in IDX format, plain or gzip; for idx.")]
    public string? Images { get; init; }

    [Description("Label file in IDX format, plain or gzip; for idx.")]
    public string? Labels { get; init; }

    [Description("CSV file with a header line; for csv.")]
    public string? Path { get; init; }

    [Description("Images to generate; for digits."), Range(1, 1000000)]
    public int? Count { get; init; }

    [Description("Seed of the generated images, 1 where absent; for digits."), Range(0L, 9007199254740991L)]
    public long? Seed { get; init; }

    [Description("Examples left out at the start."), Range(0, int.MaxValue)]
    public int Skip { get; init; }

    [Description("Examples taken after those left out; all of them where absent."), Range(1, int.MaxValue)]
    public int? Take { get; init; }

    /// <summary>Every error of the declaration itself; no file is opened.</summary>
    public IReadOnlyList<SpecError> Check()
    {
        if (Kind is not { } kind || !Enum.IsDefined(kind))
        {
            return [new SpecError("kind", $"kind is {(Kind is null ? "missing" : $"'{Kind}'")}; expected idx, csv or digits."), .. DeclarationRules.OutOfRange(this)];
        }

        var isIdx = kind == DataSourceKind.Idx;
        var isCsv = kind == DataSourceKind.Csv;
        var isDigits = kind == DataSourceKind.Digits;
        return
        [
            .. DeclarationRules.Presence(
                $"kind {(isIdx ? "idx" : isCsv ? "csv" : "digits")}",
                ("images", Images, isIdx, isIdx),
                ("labels", Labels, isIdx, isIdx),
                ("path", Path, isCsv, isCsv),
                ("count", Count, isDigits, isDigits),
                ("seed", Seed, false, isDigits)),
            .. DeclarationRules.OutOfRange(this),
        ];
    }

    /// <summary>Examples from <see cref="Skip"/> on, at most <see cref="Take"/>, out of those the source holds.</summary>
    /// <param name="available">Examples of the whole source.</param>
    /// <param name="path">The file, for the message.</param>
    /// <exception cref="DataException">The range is empty or goes beyond the end.</exception>
    internal int CountOf(long available, string path)
    {
        var end = Take is null ? available : (long)Skip + Take.Value;
        if (end > available || end - Skip is < 1 or > int.MaxValue)
        {
            var range = Take is null ? $"skip {Skip}" : $"skip {Skip} and take {Take}";
            throw new DataErrors(path).Fatal($"{range} of {available} examples; expected a range with at least one example that ends at or before the last.");
        }

        return (int)(end - Skip);
    }
}

[JsonConverter(typeof(CamelCaseEnumConverter<DataSourceKind>))]
public enum DataSourceKind
{
    /// <summary>Images and labels in the format of the MNIST files.</summary>
    Idx,

    /// <summary>A table with a header line.</summary>
    Csv,

    /// <summary>Handwriting-like digits, drawn by <see cref="DigitGenerator"/>.</summary>
    Digits,
}
