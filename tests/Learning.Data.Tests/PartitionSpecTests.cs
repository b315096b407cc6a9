using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace FlEvents.Learning.Data.Tests;

public class PartitionSpecTests
{
    private static readonly PartitionSpec Dirichlet = new() { Rule = PartitionRule.Dirichlet, Alpha = 0.5 };
    private static readonly PartitionSpec Shards = new() { Rule = PartitionRule.Shards, ShardsPerClient = 2 };
    private static readonly PartitionSpec Column = new() { Rule = PartitionRule.Column, Column = "hospital" };

    [Fact]
    public void The_description_is_canonical()
    {
        Assert.Equal("iid/10", new PartitionSpec().Describe(10));
        Assert.Equal("dirichlet(0.5)/10", Dirichlet.Describe(10));
        Assert.Equal("dirichlet(100,diagnosis)/10", (Dirichlet with { Alpha = 100.0, Column = "diagnosis" }).Describe(10));
        Assert.Equal("shards(2)/100", Shards.Describe(100));
        Assert.Equal("column(hospital)/3", Column.Describe(3));
    }

    [Fact]
    public void Binds_from_configuration_and_from_json_to_the_same_value()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Rule"] = "dirichlet",
            ["Alpha"] = "0.5",
            ["Seed"] = "7",
        }).Build();

        var bound = configuration.Get<PartitionSpec>();
        var parsed = JsonSerializer.Deserialize<PartitionSpec>("""{"rule":"dirichlet","alpha":0.5,"seed":7}""", JsonSerializerOptions.Web);

        Assert.Equal(Dirichlet with { Seed = 7 }, bound);
        Assert.Equal(bound, parsed);
    }

    [Fact]
    public void Every_error_is_reported_with_value_and_expectation()
    {
        var errors = new PartitionSpec { ShardsPerClient = 0, Column = "c", Seed = -1 }.Check(clients: 11, examples: 10);

        Assert.Equal(
            [
                new SpecError("shardsPerClient", "shardsPerClient is '0'; rule iid takes none."),
                new SpecError("column", "column is 'c'; rule iid takes none."),
                new SpecError("shardsPerClient", "shardsPerClient is 0; expected 1 to 1000000."),
                new SpecError("seed", "seed is -1; expected 0 to 9007199254740991."),
            ],
            errors.Take(4));
        Assert.Equal(
            ["rule is '9'; expected iid, dirichlet, shards or column."], (Shards with { Rule = (PartitionRule)9 }).Check(1, 10).Select(e => e.Message));
        Assert.Equal(["clients is 0; expected at least 1."], new PartitionSpec().Check(0, 10).Select(e => e.Message));
        Assert.Equal(["11 clients for 10 examples; expected at least one example each."], new PartitionSpec().Check(11, 10).Select(e => e.Message));
        Assert.Equal(["6 clients of 2 shards for 11 examples; expected at least one example each."], Shards.Check(6, 11).Select(e => e.Message));
        Assert.Equal(["alpha"], (Dirichlet with { Alpha = null }).Check(1, 10).Select(e => e.Path));
        Assert.Equal(["alpha"], (Dirichlet with { Alpha = double.NaN }).Check(1, 10).Select(e => e.Path));
        Assert.Equal(["shardsPerClient"], (Shards with { ShardsPerClient = null }).Check(1, 10).Select(e => e.Path));
        Assert.Equal(["column", "column"], (Column with { Column = "" }).Check(1, 10).Select(e => e.Path));
        Assert.Empty(Column.Check(3, 10));
    }

    [Fact]
    public void Values_that_do_not_fit_the_rule_are_errors()
    {
        var values = PartitionValues.OfText(["b", "a", "b"]);

        Assert.Empty(Column.Check(2, 3, values));
        Assert.Equal(["clients is 4; column 'hospital' has 2 values, one client each."], Column.Check(4, 3, values).Select(e => e.Message));
        Assert.Equal(["3 values for 5 examples; expected one each."], Shards.Check(2, 5, values).Select(e => e.Message));
        var numbers = PartitionValues.OfClasses([.. Enumerable.Range(0, 1001)]);
        Assert.Equal(["1001 different labels; dirichlet takes at most 1000."], Dirichlet.Check(2, 1001, numbers).Select(e => e.Message));
    }
}
