using FlEvents.Contracts;
using FlEvents.Orchestrator.Runs;

namespace FlEvents.Orchestrator.Tests.RunSpecs;

public class EnrolledUnitsTests
{
    [Theory]
    [InlineData("patient", "patient", "patient")]
    [InlineData(null, null, null)]
    [InlineData("patient", "patient", null)]
    [InlineData(null, "patient", null)]
    public void A_run_is_taken_when_some_client_counts_as_it_does(string? wanted, string? first, string? second) =>
        Assert.Null(EnrolledUnits.Check(Data(wanted), [Held(first), Held(second)]));

    [Fact]
    public void A_run_is_taken_before_any_client_with_its_data_set_is_enrolled() =>
        Assert.Null(EnrolledUnits.Check(Data("patient"), [Held(null, "another"), Held("person", "a-third")]));

    [Fact]
    public void A_run_that_counts_otherwise_than_every_client_is_refused_with_both_columns()
    {
        Assert.Equal(
            "$.data.privacyUnitColumn: expected \"patient\", whose values the enrolled clients count in data set \"visits\", got \"person\"",
            EnrolledUnits.Check(Data("person"), [Held("patient"), Held("patient")])?.ToString());
        Assert.Equal(
            "$.data.privacyUnitColumn: expected \"patient\", whose values the enrolled clients count in data set \"visits\", got \"person\"",
            EnrolledUnits.Check(Data("person"), [Held("patient"), Held(null)])?.ToString());
        Assert.Equal(
            "$.data.privacyUnitColumn: expected none, since the enrolled clients count the rows of data set \"visits\", got \"person\"",
            EnrolledUnits.Check(Data("person"), [Held(null)])?.ToString());
        Assert.Equal(
            "$.data.privacyUnitColumn: expected \"patient\", whose values the enrolled clients count in data set \"visits\", got none",
            EnrolledUnits.Check(Data(null), [Held("patient")])?.ToString());
    }

    private static DataSpec Data(string? column) => new() { DataSet = "visits", PrivacyUnitColumn = column };

    private static ClientDataSet Held(string? column, string dataSet = "visits") => new()
    {
        Ledger = new LedgerIdentity { Owner = "clinic", DataSet = dataSet, PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 },
        ExampleCount = 3,
        PrivacyUnitColumn = column,
    };
}
