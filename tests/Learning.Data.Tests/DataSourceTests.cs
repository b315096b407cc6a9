using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace FlEvents.Learning.Data.Tests;

public class DataSourceTests
{
    [Fact]
    public void Binds_from_configuration_and_from_json_to_the_same_value()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["a:Kind"] = "idx",
            ["a:Images"] = "i.gz",
            ["a:Labels"] = "l.gz",
            ["a:Skip"] = "8500",
            ["a:Take"] = "1500",
        }).Build();

        var bound = configuration.GetSection("a").Get<DataSource>();
        var parsed = JsonSerializer.Deserialize<DataSource>(
            """{"kind":"idx","images":"i.gz","labels":"l.gz","skip":8500,"take":1500}""", JsonSerializerOptions.Web);

        Assert.Equal(new DataSource { Kind = DataSourceKind.Idx, Images = "i.gz", Labels = "l.gz", Skip = 8500, Take = 1500 }, bound);
        Assert.Equal(bound, parsed);
        Assert.Empty(bound!.Check());
    }

    [Fact]
    public void A_json_round_trip_keeps_generated_digits()
    {
        var source = new DataSource { Kind = DataSourceKind.Digits, Count = 6000, Seed = 3 };

        Assert.Equal(source, JsonSerializer.Deserialize<DataSource>(JsonSerializer.Serialize(source, JsonSerializerOptions.Web), JsonSerializerOptions.Web));
    }

    [Fact]
    public void Every_error_is_reported_with_value_and_expectation()
    {
        var errors = new DataSource { Kind = DataSourceKind.Idx, Images = "i", Path = "t.csv", Seed = 4, Skip = -1, Take = 0 }.Check();

        Assert.Equal(
            [
                new SpecError("labels", "labels is missing; kind idx needs it."),
                new SpecError("path", "path is 't.csv'; kind idx takes none."),
                new SpecError("seed", "seed is '4'; kind idx takes none."),
                new SpecError("skip", "skip is -1; expected 0 to 2147483647."),
                new SpecError("take", "take is 0; expected 1 to 2147483647."),
            ],
            errors);
    }

    [Fact]
    public void A_missing_or_unknown_kind_is_an_error()
    {
        Assert.Equal([new SpecError("kind", "kind is missing; expected idx, csv or digits.")], new DataSource().Check());
        Assert.Equal([new SpecError("kind", "kind is '9'; expected idx, csv or digits.")], new DataSource { Kind = (DataSourceKind)9 }.Check());
    }

    [Fact]
    public void Each_kind_needs_its_own_properties()
    {
        Assert.Equal(["images", "labels"], new DataSource { Kind = DataSourceKind.Idx }.Check().Select(e => e.Path));
        Assert.Equal(["path"], new DataSource { Kind = DataSourceKind.Csv, Path = "" }.Check().Select(e => e.Path));
        Assert.Equal(["count"], new DataSource { Kind = DataSourceKind.Digits }.Check().Select(e => e.Path));
        Assert.Equal(["count"], new DataSource { Kind = DataSourceKind.Digits, Count = 2_000_000 }.Check().Select(e => e.Path));
    }
}
