using System.Security.Cryptography;
using System.Text;
using FlEvents.Learning.Randomness;
using FsCheck;
using FsCheck.Fluent;

namespace FlEvents.Learning.Data.Tests;

public sealed class PartitionTests : IDisposable
{
    private static readonly PartitionSpec Dirichlet = new() { Rule = PartitionRule.Dirichlet, Alpha = 0.5 };
    private static readonly PartitionSpec Shards = new() { Rule = PartitionRule.Shards, ShardsPerClient = 2 };
    private static readonly PartitionSpec Column = new() { Rule = PartitionRule.Column, Column = "hospital" };

    private readonly DataFiles _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed record Case(PartitionSpec Spec, PartitionValues? Values, int Count, int Clients);

    private static Gen<Case> Cases =>
        from rule in Gen.Elements(Enum.GetValues<PartitionRule>())
        from clients in Gen.Choose(1, 30)
        from shards in Gen.Choose(1, 4)
        from extra in Gen.Choose(0, 200)
        from classes in Gen.Choose(1, 12)
        from alpha in Gen.Elements(1e-4, 0.01, 0.5, 1, 100, 1e6)
        from seed in Gen.Choose(0, 1_000_000)
        let count = (clients * shards) + extra
        let random = SeededRandom.Derive(seed, "labels")
        let labels = Enumerable.Range(0, count).Select(_ => random.NextInt(classes)).ToArray()
        let values = PartitionValues.OfClasses(labels)
        select rule switch
        {
            PartitionRule.Iid => new Case(new PartitionSpec { Seed = seed }, null, count, clients),
            PartitionRule.Dirichlet => new Case(Dirichlet with { Alpha = alpha, Seed = seed }, values, count, clients),
            PartitionRule.Shards => new Case(Shards with { ShardsPerClient = shards, Seed = seed }, values, count, clients),
            _ => new Case(Column with { Seed = seed }, values, count, values.Names.Count),
        };

    [Fact]
    public void Every_example_is_in_exactly_one_part_and_no_part_is_empty() =>
        Prop.ForAll(Cases.ToArbitrary(), c =>
        {
            var parts = Split(c);
            return parts.Length == c.Clients
                && parts.All(part => part.Length > 0 && part.SequenceEqual(part.Order()))
                && parts.SelectMany(part => part).Order().SequenceEqual(Enumerable.Range(0, c.Count));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_same_inputs_give_the_same_split() =>
        Prop.ForAll(Cases.ToArbitrary(), c => Split(c).Zip(Split(c)).All(pair => pair.First.SequenceEqual(pair.Second))).QuickCheckThrowOnFailure();

    [Fact]
    public void Parts_of_iid_and_dirichlet_differ_by_at_most_one_example() =>
        Prop.ForAll(Cases.ToArbitrary(), c =>
        {
            var sizes = Split(c).Select(part => part.Length).ToArray();
            return c.Spec.Rule is PartitionRule.Shards or PartitionRule.Column || sizes.Max() - sizes.Min() <= 1;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(PartitionRule.Iid, "3c283284505d11e9045905f126201f554246851a7ae341232808bb7098cf56a9")]
    [InlineData(PartitionRule.Dirichlet, "948809ad16065fc1ee6beb9505f8da9eb72e1e5b941e6fe0ec9047c1f0d6234c")]
    [InlineData(PartitionRule.Shards, "4e5490d11a2810c1c1f55643deb0424b97ebb944ba3fa124ba95cad816c7022b")]
    [InlineData(PartitionRule.Column, "556e4462c81c0b7e2e8fa9ac4d7482c23d5791ffada553668cb98695460b1573")]
    public void A_split_is_the_one_that_ledgers_were_opened_for(PartitionRule rule, string sha256)
    {
        var labels = Enumerable.Range(0, 1000).Select(i => DigitGenerator.Class(1, i)).ToArray();
        var spec = new[] { new PartitionSpec(), Dirichlet, Shards, Column }.Single(s => s.Rule == rule);

        var parts = Partition.Split(spec, PartitionValues.OfClasses(labels), 1000, 10);

        var text = string.Join('\n', parts.Select(part => string.Join(',', part)));
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
    }

    [Fact]
    public void Seed_and_number_of_clients_change_the_split()
    {
        var values = PartitionValues.OfClasses([.. Enumerable.Range(0, 600).Select(i => i % 10)]);
        foreach (var spec in new[] { new PartitionSpec(), Dirichlet, Shards })
        {
            var first = Partition.Split(spec, values, 600, 10)[0];
            Assert.NotEqual(first, Partition.Split(spec with { Seed = 2 }, values, 600, 10)[0]);
            Assert.NotEqual(first, Partition.Split(spec, values, 600, 12)[0]);
        }
    }

    [Fact]
    public void A_small_alpha_gives_few_classes_a_client_and_a_large_one_the_shares_of_the_whole()
    {
        var labels = Enumerable.Range(0, 10_000).Select(i => i % 10).ToArray();
        var values = PartitionValues.OfClasses(labels);

        Assert.InRange(LargestShare(Dirichlet with { Alpha = 0.01 }, labels, values), 0.85, 1);
        Assert.InRange(LargestShare(Dirichlet with { Alpha = 1 }, labels, values), 0.55, 0.85);
        Assert.InRange(LargestShare(Dirichlet with { Alpha = 1e4 }, labels, values), 0.1, 0.18);
    }

    [Fact]
    public void Shards_give_each_client_few_labels()
    {
        var labels = Enumerable.Range(0, 6000).Select(i => i % 10).ToArray();

        var parts = Partition.Split(Shards, PartitionValues.OfClasses(labels), 6000, 100);

        // 200 shards of 30 out of classes of 600: each shard holds one label.
        Assert.All(parts, part => Assert.InRange(part.Select(i => labels[i]).Distinct().Count(), 1, 2));
        Assert.All(parts, part => Assert.Equal(60, part.Length));
    }

    [Fact]
    public void A_column_gives_one_client_for_each_value_in_ordinal_order()
    {
        var source = new DataSource { Kind = DataSourceKind.Csv, Path = _folder.Write("t.csv", "hospital,x\nb,1\nZ,2\na,3\nb,4\n") };

        var values = DataSetReader.ReadPartitionValues(source, Column)!;

        Assert.Equal(["Z", "a", "b"], values.Names);
        Assert.Equal([[1], [2], [0, 3]], Partition.Split(Column, values, 4, 3));
    }

    [Fact]
    public void Values_come_from_the_labels_of_images_or_the_named_column_of_a_table()
    {
        var digits = new DataSource { Kind = DataSourceKind.Digits, Count = 30, Skip = 5 };
        var table = new DataSource { Kind = DataSourceKind.Csv, Path = _folder.Write("t.csv", "ill,x\nno,1\nyes,2\n") };

        Assert.Null(DataSetReader.ReadPartitionValues(digits, new PartitionSpec()));
        Assert.Equal(Enumerable.Range(5, 25).Select(i => DigitGenerator.Class(1, i)), DataSetReader.ReadPartitionValues(digits, Shards)!.Codes);
        Assert.Equal([0, 1], DataSetReader.ReadPartitionValues(table, Shards with { Column = "ill" })!.Codes);
        Assert.Equal(
            "column is missing; the partition of a CSV by its label needs it.",
            Assert.Throws<DataException>(() => DataSetReader.ReadPartitionValues(table, Shards)).Message);
        Assert.Equal(
            "column is 'hospital'; only a CSV has columns.",
            Assert.Throws<DataException>(() => DataSetReader.ReadPartitionValues(digits, Column)).Message);
        Assert.Throws<DataException>(() => DataSetReader.ReadPartitionValues(digits, Column with { Column = null }));
    }

    [Fact]
    public void A_split_that_can_not_be_made_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => Partition.Split(new PartitionSpec(), null, 10, 11));
        Assert.Contains("11 clients for 10 examples", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => Partition.Split(Shards, null, 10, 2));
    }

    private static int[][] Split(Case c) => Partition.Split(c.Spec, c.Values, c.Count, c.Clients);

    /// <summary>The mean over the first half of 20 clients of the share of a client's commonest class; later clients get what is left.</summary>
    private static double LargestShare(PartitionSpec spec, int[] labels, PartitionValues values) =>
        Partition.Split(spec, values, labels.Length, 20).Take(10)
            .Average(part => part.GroupBy(i => labels[i]).Max(group => group.Count()) / (double)part.Length);
}
