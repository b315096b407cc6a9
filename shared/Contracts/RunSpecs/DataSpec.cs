using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace FlEvents.Contracts;

/// <summary>
/// A data set by name, and how its values become numbers. Everything is declared here: nothing is inferred from local data, because a
/// vocabulary or a mean taken from it would leave the client.
/// </summary>
public record DataSpec
{
    [Description("Name of the data set; each service maps it to its own files."), RegularExpression("[a-z0-9-]{1,64}")]
    public required string DataSet { get; init; }

    [Description("Scaling of image pixels, for IDX and generated images.")]
    public ImageScaling? Image { get; init; }

    [Description("Feature columns of a CSV, in the order the model sees them.")]
    public IReadOnlyList<ColumnSpec>? Columns { get; init; }

    [Description("Label column of a CSV.")]
    public LabelSpec? Label { get; init; }

    // 64 characters at most: the name is in every client's ledger identity, of which a page must fit into one message.
    [Description("Column of a CSV, neither a feature nor the label, whose values are the privacy units (a patient id): all rows with one value stay together, and with example they are drawn and clipped as one. Without it each row is a unit."), StringLength(64, MinimumLength = 1)]
    public string? PrivacyUnitColumn { get; init; }
}

/// <summary>x = (pixel / 255 − mean) / scale.</summary>
public record ImageScaling
{
    [Description("Subtracted from a pixel in [0, 1]."), Range(-10.0, 10.0)]
    public double Mean { get; init; }

    [Description("Divides what is left; above 0."), Range(1e-6, 1e6)]
    public double Scale { get; init; } = 1;
}

/// <summary>One column of a CSV. A numeric one gives (x − mean) / scale; a categorical one gives one input per category, and one more for <c>other</c>.</summary>
public record ColumnSpec
{
    [Description("Name in the header line."), StringLength(200, MinimumLength = 1)]
    public required string Name { get; init; }

    [Description("Numeric or categorical.")]
    public required ColumnKind Kind { get; init; }

    [Description("Subtracted from a numeric value.")]
    public double Mean { get; init; }

    [Description("Divides a numeric value; above 0."), Range(1e-300, 1e300)]
    public double Scale { get; init; } = 1;

    [Description("Used where a numeric value is missing, before scaling; a missing value is an error without it.")]
    public double? Missing { get; init; }

    [Description("Categories, one input each.")]
    public IReadOnlyList<string>? Categories { get; init; }

    [Description("Whether an unknown or missing category goes to a slot of its own; without it, it is an error.")]
    public bool Other { get; init; }
}

/// <summary>The label: a class out of a list, or a number.</summary>
public record LabelSpec
{
    [Description("Name in the header line."), StringLength(200, MinimumLength = 1)]
    public required string Name { get; init; }

    [Description("Classes in the order of the model's outputs; without them the label is a number.")]
    public IReadOnlyList<string>? Classes { get; init; }

    [Description("Subtracted from a number.")]
    public double Mean { get; init; }

    [Description("Divides a number; above 0."), Range(1e-300, 1e300)]
    public double Scale { get; init; } = 1;
}

[JsonConverter(typeof(CamelCaseEnumConverter<ColumnKind>))]
public enum ColumnKind
{
    Numeric,
    Categorical,
}
