using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json.Serialization;
using FlEvents.Contracts;

namespace FlEvents.Learning.Data;

/// <summary>How a data set is split among clients. With the number of clients it names the split exactly: <see cref="Describe"/>.</summary>
public record PartitionSpec
{
    [Description("Rule of the split: iid, dirichlet, shards or column.")]
    public PartitionRule Rule { get; init; } = PartitionRule.Iid;

    [Description("Sum of the classes' concentrations: near 0 one class a client, large the same shares for all; for dirichlet."), Range(1e-4, 1e6)]
    public double? Alpha { get; init; }

    [Description("Shards each client gets; for shards."), Range(1, 1000000)]
    public int? ShardsPerClient { get; init; }

    [Description("Column of a CSV: the one whose values are the clients (column), or the label (dirichlet, shards)."), StringLength(200, MinimumLength = 1)]
    public string? Column { get; init; }

    [Description("Seed of the split."), Range(0L, 9007199254740991L)]
    public long Seed { get; init; } = 1;

    /// <summary>Every error of the declaration, of its fit to the numbers of clients and examples, and, where they are known, to the values.</summary>
    /// <param name="clients">Parts wanted.</param>
    /// <param name="examples">Examples of the data set.</param>
    /// <param name="values">What the rule splits by; null where not read yet.</param>
    public IReadOnlyList<SpecError> Check(int clients, int examples, PartitionValues? values = null) => Check(clients, examples, values, "example");

    /// <summary>As above, for a split that keeps privacy units whole.</summary>
    public IReadOnlyList<SpecError> Check(int clients, PartitionBasis basis)
    {
        if (basis.Units is null || basis.Values?.Codes.Length is { } length && length != basis.Rows)
        {
            return Check(clients, basis.Rows, basis.Values);
        }

        var mixed = Rule == PartitionRule.Column ? basis.CountMixed() : 0;
        return mixed == 0
            ? Check(clients, basis.Count, basis.UnitValues(), "privacy unit")
            : [new SpecError("column", $"column '{Column}': {mixed} privacy units have rows with several values; expected one value each, since a unit's rows stay with one client.")];
    }

    private List<SpecError> Check(int clients, int examples, PartitionValues? values, string noun)
    {
        List<SpecError> errors = [.. CheckDeclaration()];
        if (clients < 1)
        {
            errors.Add(new SpecError("clients", $"clients is {clients}; expected at least 1."));
        }
        else if (Rule != PartitionRule.Column && (long)clients * (ShardsPerClient ?? 1) > examples)
        {
            var parts = Rule == PartitionRule.Shards ? $"{clients} clients of {ShardsPerClient} shards" : $"{clients} clients";
            errors.Add(new SpecError("clients", $"{parts} for {examples} {noun}s; expected at least one {noun} each."));
        }

        if (values is not null && values.Codes.Length != examples)
        {
            errors.Add(new SpecError("column", $"{values.Codes.Length} values for {examples} {noun}s; expected one each."));
        }

        if (values is not null && Rule == PartitionRule.Column && values.Names.Count != clients)
        {
            errors.Add(new SpecError("clients", $"clients is {clients}; column '{Column}' has {values.Names.Count} values, one client each."));
        }

        if (values is not null && Rule == PartitionRule.Dirichlet && values.Names.Count > Partition.MaximumClasses)
        {
            errors.Add(new SpecError("column", $"{values.Names.Count} different labels; dirichlet takes at most {Partition.MaximumClasses}."));
        }

        return errors;
    }

    /// <summary>The rule with its parameters and the number of clients, as the ledger's identity holds it, e.g. <c>dirichlet(0.5)/10</c>.</summary>
    /// <remarks>
    /// Different splits have different texts (the seed apart): a label column is part of it, as in <c>shards(2,diagnosis)/100</c>, and so are the privacy units
    /// that stay whole, as in <c>iid/10 by patient</c>.
    /// </remarks>
    /// <param name="clients">Parts.</param>
    /// <param name="privacyUnitColumn">Column whose values are the privacy units; null where each row is one.</param>
    public string Describe(int clients, string? privacyUnitColumn = null) => DescribeUnits(DescribeRule(clients), privacyUnitColumn);

    /// <summary>A split's text, with the privacy units that stay whole.</summary>
    public static string DescribeUnits(string split, string? privacyUnitColumn) => privacyUnitColumn is null ? split : $"{split} by {privacyUnitColumn}";

    private string DescribeRule(int clients)
    {
        var label = Column is null ? "" : $",{Column}";
        return string.Create(CultureInfo.InvariantCulture, $"{Rule switch
        {
            PartitionRule.Iid => "iid",
            PartitionRule.Dirichlet => string.Create(CultureInfo.InvariantCulture, $"dirichlet({Alpha}{label})"),
            PartitionRule.Shards => string.Create(CultureInfo.InvariantCulture, $"shards({ShardsPerClient}{label})"),
            _ => $"column({Column})",
        }}/{clients}");
    }

    internal IEnumerable<SpecError> CheckDeclaration()
    {
        if (!Enum.IsDefined(Rule))
        {
            return [new SpecError("rule", $"rule is '{Rule}'; expected iid, dirichlet, shards or column.")];
        }

        var isDirichlet = Rule == PartitionRule.Dirichlet;
        var isShards = Rule == PartitionRule.Shards;
        return
        [
            .. DeclarationRules.Presence(
                Rule switch
                {
                    PartitionRule.Iid => "rule iid",
                    PartitionRule.Dirichlet => "rule dirichlet",
                    PartitionRule.Shards => "rule shards",
                    _ => "rule column",
                },
                ("alpha", Alpha, isDirichlet, isDirichlet),
                ("shardsPerClient", ShardsPerClient, isShards, isShards),
                ("column", Column, Rule == PartitionRule.Column, Rule != PartitionRule.Iid)),
            .. DeclarationRules.OutOfRange(this),
        ];
    }
}

[JsonConverter(typeof(CamelCaseEnumConverter<PartitionRule>))]
public enum PartitionRule
{
    /// <summary>At random, in parts of equal size.</summary>
    Iid,

    /// <summary>In parts of equal size whose class shares are drawn from a Dirichlet distribution (Hsu et al. 2019, arXiv:1909.06335).</summary>
    Dirichlet,

    /// <summary>Sorted by label and cut into shards, of which each client gets a few (McMahan et al. 2017, arXiv:1602.05629).</summary>
    Shards,

    /// <summary>One client for each value of a column, in ordinal order of the values.</summary>
    Column,
}
