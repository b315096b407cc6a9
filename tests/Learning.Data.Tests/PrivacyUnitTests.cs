using FlEvents.Contracts;
using FlEvents.Learning.Randomness;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.Learning.Data.Tests;

/// <summary>All rows with one value of a column: how they are read, and that no split takes them apart.</summary>
public sealed class PrivacyUnitTests : IDisposable
{
    private static readonly DataSpec Spec = new()
    {
        DataSet = "visits",
        Columns = [new ColumnSpec { Name = "age", Kind = ColumnKind.Numeric }],
        Label = new LabelSpec { Name = "ill", Classes = ["no", "yes"] },
        PrivacyUnitColumn = "patient",
    };

    private readonly DataFiles _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_with_one_value_are_one_unit_numbered_by_its_first_row()
    {
        var source = Source("age,patient,ill\n1,p7,no\n2,\"a, b\",no\n3, p7 ,yes\n4,P7,no\n5,\"p7\",no\n6,\"a, b\",no\n7,07,no\n8,7,no\n");

        var examples = DataSetReader.Read(source, Spec, [1], withUnits: true);

        Assert.Equal([[0, 2, 4], [1, 5], [3], [6], [7]], RowsOf(examples.GroupByUnit()!));
        Assert.Equal(RowsOf(examples.GroupByUnit()!), RowsOf(DataSetReader.ReadUnits(source, "patient")));
        Assert.Equal([[0, 1], [2]], RowsOf(examples.Select([1, 5, 6]).GroupByUnit()!));
        Assert.Equal([[0, 2], [1], [3]], RowsOf(DataSetReader.ReadUnits(source with { Skip = 2, Take = 4 }, "patient")));
    }

    [Fact]
    public void Without_a_column_or_for_scoring_alone_each_row_is_a_unit_of_its_own()
    {
        var source = Source("age,patient,ill\n1,a,no\n2,a,no\n");

        Assert.Null(DataSetReader.Read(source, Spec with { PrivacyUnitColumn = null }, [1], withUnits: true).GroupByUnit());
        Assert.Equal(2, DataSetReader.ReadPartitionBasis(source, new PartitionSpec(), privacyUnitColumn: null).Count);
        Assert.Null(DataSetReader.Read(Source("age,ill\n1,no\n"), Spec, [1]).GroupByUnit());
    }

    [Fact]
    public void A_row_of_nobody_is_an_error_that_names_its_line_and_quotes_no_value()
    {
        var text = "age,patient,ill\n1,a,no\n2,,no\n\n3,NA,no\n4,\"\",no\nx,b,no\n";
        string[] missing =
        [
            .. new[] { 3, 5, 6 }.Select(line => $"table.csv: line {line}, column 'patient': the value is missing; expected a value, since it says whose row this is."),
        ];

        Assert.Equal(
            [.. missing, "table.csv: line 7, column 'age': value 'x'; expected a finite number."],
            Assert.Throws<DataException>(() => DataSetReader.Read(Source(text), Spec, [1], withUnits: true)).Errors);
        Assert.Equal(missing, Assert.Throws<DataException>(() => DataSetReader.ReadUnits(Source(text), "patient")).Errors);
    }

    [Fact]
    public void A_column_that_is_not_there_or_is_used_otherwise_and_images_are_refused()
    {
        var source = Source("age,patient,ill\n1,a,no\n");
        var digits = new DataSource { Kind = DataSourceKind.Digits, Count = 5 };
        string Refused(DataSource source, DataSpec spec) =>
            Assert.Single(Assert.Throws<DataException>(() => DataSetReader.Read(source, spec, [1], withUnits: true)).Errors);

        Assert.Equal("table.csv: line 1: no column 'person'; expected it among 'age', 'patient', 'ill'.", Refused(source, Spec with { PrivacyUnitColumn = "person" }));
        foreach (var name in new[] { "age", "ill" })
        {
            Assert.Equal(
                $"visits: privacyUnitColumn is '{name}', which is among columns and label; expected a column of its own.",
                Refused(source, Spec with { PrivacyUnitColumn = name }));
        }

        Assert.Equal(
            "visits: privacyUnitColumn is 'patient'; only a CSV has columns.", Refused(digits, new DataSpec { DataSet = "visits", PrivacyUnitColumn = "patient" }));
        Assert.Equal(
            "privacyUnitColumn is 'patient'; only a CSV has columns.",
            Assert.Throws<DataException>(() => DataSetReader.ReadPartitionBasis(digits, new PartitionSpec(), "patient")).Message);
    }

    private sealed record Case(PartitionSpec Spec, PartitionBasis Basis, int Clients);

    private static Gen<Case> Cases =>
        from rule in Gen.Elements(PartitionRule.Iid, PartitionRule.Dirichlet, PartitionRule.Shards)
        from clients in Gen.Choose(1, 12)
        from extra in Gen.Choose(0, 60)
        from classes in Gen.Choose(1, 5)
        from seed in Gen.Choose(0, 1_000_000)
        let units = (clients * 2) + extra
        let random = SeededRandom.Derive(seed, "units")
        let numbers = Enumerable.Range(0, units).Concat(Enumerable.Range(0, extra * 3).Select(_ => random.NextInt(units))).ToArray()
        let labels = numbers.Select(_ => random.NextInt(classes)).ToArray()
        let spec = new PartitionSpec
        {
            Rule = rule, Seed = seed, Alpha = rule == PartitionRule.Dirichlet ? 0.3 : null, ShardsPerClient = rule == PartitionRule.Shards ? 2 : null,
        }
        select new Case(
            spec, new PartitionBasis(numbers.Length, rule == PartitionRule.Iid ? null : PartitionValues.OfClasses(labels), PrivacyUnits.Of(numbers)), clients);

    [Fact]
    public void All_rows_of_a_unit_go_to_one_client_and_each_row_to_exactly_one() =>
        Prop.ForAll(Cases.ToArbitrary(), c =>
        {
            var parts = Partition.Split(c.Spec, c.Basis, c.Clients);
            var owner = new int[c.Basis.Rows];
            foreach (var (client, part) in parts.Index())
            {
                Array.ForEach(part, row => owner[row] = client);
            }

            return parts.Length == c.Clients
                && parts.All(part => part.SequenceEqual(part.Order()))
                && parts.SelectMany(part => part).Order().SequenceEqual(Enumerable.Range(0, c.Basis.Rows))
                && RowsOf(c.Basis.Units!).All(rows => rows.Select(row => owner[row]).Distinct().Count() == 1)
                && parts.Sum(part => c.Basis.CountOf(part)) == c.Basis.Count
                && parts.All(part => c.Basis.CountOf(part) > 0);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Parts_are_equal_in_units() =>
        Prop.ForAll(Cases.ToArbitrary(), c =>
        {
            var sizes = Partition.Split(c.Spec, c.Basis, c.Clients).Select(part => c.Basis.CountOf(part)).ToArray();
            return sizes.Max() - sizes.Min() <= (c.Spec.Rule == PartitionRule.Shards ? 2 : 1);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Units_of_one_row_each_are_split_as_rows_are()
    {
        var spec = new PartitionSpec { Rule = PartitionRule.Dirichlet, Alpha = 0.5 };
        var values = PartitionValues.OfClasses([.. Enumerable.Range(0, 200).Select(i => i % 7)]);
        var units = PrivacyUnits.Of([.. Enumerable.Range(0, 200).Select(i => 900 - i)]);

        Assert.Equal(Partition.Split(spec, values, 200, 8), Partition.Split(spec, new PartitionBasis(200, values, units), 8));
    }

    [Fact]
    public void A_unit_counts_under_the_label_that_most_of_its_rows_have()
    {
        // Unit 0: b b c; unit 1: c a, of which a is the first in order; unit 2: b.
        var basis = new PartitionBasis(6, PartitionValues.OfText(["b", "c", "b", "c", "a", "b"]), PrivacyUnits.Of([0, 0, 0, 1, 1, 2]));

        Assert.Equal(["a", "b"], basis.UnitValues()!.Names);
        Assert.Equal([1, 0, 1], basis.UnitValues()!.Codes);
        var parts = Partition.Split(new PartitionSpec { Rule = PartitionRule.Shards, ShardsPerClient = 1 }, basis, 2);
        Assert.Contains(parts, part => part.SequenceEqual([3, 4]));
        Assert.Contains(parts, part => part.SequenceEqual([0, 1, 2, 5]));
    }

    [Fact]
    public void A_column_that_would_take_a_unit_apart_is_refused_with_the_number_of_such_units()
    {
        var spec = new PartitionSpec { Rule = PartitionRule.Column, Column = "hospital" };
        var source = Source("hospital,patient\nN,1\nS,2\nN,1\nS,3\nN,3\n");

        var basis = DataSetReader.ReadPartitionBasis(source, spec, "patient");
        var whole = DataSetReader.ReadPartitionBasis(source with { Take = 3 }, spec, "patient");

        Assert.Equal(
            ["column 'hospital': 1 privacy units have rows with several values; expected one value each, since a unit's rows stay with one client."],
            spec.Check(2, basis).Select(error => error.Message));
        Assert.Throws<ArgumentException>(() => Partition.Split(spec, basis, 2));
        Assert.Equal([[0, 2], [1]], Partition.Split(spec, whole, 2));
        Assert.Equal([1, 1], Partition.Split(spec, whole, 2).Select(part => whole.CountOf(part)));
    }

    [Fact]
    public void Fewer_units_than_clients_are_refused_whatever_the_rows()
    {
        var basis = new PartitionBasis(9, null, PrivacyUnits.Of([0, 0, 0, 1, 1, 1, 2, 2, 2]));

        Assert.Equal(["4 clients for 3 privacy units; expected at least one privacy unit each."], new PartitionSpec().Check(4, basis).Select(error => error.Message));
        Assert.Empty(new PartitionSpec().Check(3, basis));
        Assert.Equal(
            ["2 values for 9 examples; expected one each."],
            new PartitionSpec { Rule = PartitionRule.Shards, ShardsPerClient = 1 }.Check(3, basis with { Values = PartitionValues.OfText(["a", "b"]) }).Select(error => error.Message));
    }

    [Fact]
    public void A_split_that_keeps_units_whole_is_described_as_another_one()
    {
        Assert.Equal("iid/10 by patient", new PartitionSpec().Describe(10, "patient"));
        Assert.Equal("whole by patient", PartitionSpec.DescribeUnits("whole", "patient"));
    }

    [Fact]
    public void The_rows_of_a_unit_are_on_one_side_of_the_held_out_split() =>
        Prop.ForAll(
            (from rows in Gen.Choose(1, 200) from units in Gen.Choose(1, 60) from percent in Gen.Choose(0, 99) from seed in Gen.Choose(0, 1000) select (rows, units, percent, seed))
            .ToArbitrary(),
            c =>
            {
                var random = SeededRandom.Derive(c.seed, "held-out");
                int[] numbers = [.. Enumerable.Range(0, c.rows).Select(_ => random.NextInt(c.units))];
                var examples = new Examples(new float[c.rows], 1, new int[c.rows], null, numbers);
                var (training, validation) = ValidationSplit.Split(examples, c.percent / 100.0, c.seed, "a");
                var held = validation.Select(row => numbers[row]).ToHashSet();
                return training.Concat(validation).Order().SequenceEqual(Enumerable.Range(0, c.rows))
                    && !training.Any(row => held.Contains(numbers[row]))
                    && held.Count == numbers.Distinct().Count() * c.percent / 100;
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void Numbers_of_units_must_fit_the_rows() =>
        Assert.Throws<ArgumentException>(() => new Examples([1, 2], 1, [0, 0], null, [1]));

    private static int[][] RowsOf(PrivacyUnits units) => [.. Enumerable.Range(0, units.Count).Select(unit => units.Rows(unit).ToArray())];

    private DataSource Source(string text) => new() { Kind = DataSourceKind.Csv, Path = _folder.Write("table.csv", text) };
}
