using FlEvents.Testing;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;

namespace FlEvents.ClientWorker.Tests;

/// <summary>A worker whose owner counts by a column: what it declares, trains on and refuses.</summary>
public sealed class PrivacyUnitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MemorySink _sink = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(null, 2, "iid/2 by patient"), InlineData("clinic", 4, "whole by patient")]
    public async Task Privacy_units_are_what_a_client_declares_and_trains_on(string? silo, int declared, string rule)
    {
        var engine = new RecordingEngine();
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, engine, settings: Visits(silo));
        var offered = (await worker.NextAsync<EnrollClient>()).Clients[0];
        var data = offered.DataSets.Single(held => held.Ledger.DataSet == "visits");
        Assert.Equal(("patient", declared, rule), (data.PrivacyUnitColumn, data.ExampleCount, data.Ledger.PartitionRule));

        await worker.SendAsync(VisitsTask(offered.ClientId), exchange: silo is null ? "fl-pool-ward" : $"fl-silo-{silo}");
        Assert.Equal(declared, (await worker.NextAsync<UpdateSubmitted>()).ExampleCount);
        var trained = Assert.Single(engine.Jobs).Examples;
        Assert.Equal(declared, trained.GroupByUnit()!.Count);
        Assert.True(silo is null ? trained.Count is > 2 and < 9 : trained.Count == 9);
    }

    [Theory, InlineData(null), InlineData("person")]
    public async Task A_run_that_counts_other_privacy_units_than_the_owner_is_refused_and_quotes_no_value(string? column)
    {
        await using var worker = await WorkerHost.StartAsync(_folder, _sink, settings: Visits("clinic"));
        var command = VisitsTask("clinic");
        await worker.SendAsync(command with { Data = command.Data with { PrivacyUnitColumn = column } }, exchange: "fl-silo-clinic");
        var refused = await worker.NextAsync<TrainingRefused>();
        Assert.Equal(RefusalCode.OtherPrivacyUnit, refused.ReasonCode);
        Assert.Equal(
            $"Data set \"visits\" counts the values of column \"patient\" here; the run counts {(column is null ? "rows" : "the values of column \"person\"")}.", refused.Detail);
    }

    /// <summary>Nine visits of four patients, as a silo's data or a pool's of two clients.</summary>
    private (string, string)[] Visits(string? silo)
    {
        File.WriteAllText(_folder.File("visits.csv"), "ward,patient,ill\n" + string.Concat("abacadabc".Select((patient, i) => $"{i},{patient},{i}\n")));
        return
        [
            ("ClientWorker:DataSets:visits:Kind", "csv"), ("ClientWorker:DataSets:visits:Path", _folder.File("visits.csv")),
            ("ClientWorker:PrivacyUnitColumns:visits", "patient"), ("ClientWorker:Clients", silo is null ? "2" : null!),
            ("ClientWorker:ClientId", silo!), ("ClientWorker:Pool", silo is null ? "ward" : null!),
        ];
    }

    private static TrainClient VisitsTask(string clientId) => Commands.Train(clientId) with
    {
        Data = new DataSpec
        {
            DataSet = "visits",
            Columns = [new ColumnSpec { Name = "ward", Kind = ColumnKind.Categorical, Categories = [.. Enumerable.Range(0, 784).Select(ward => $"{ward}")] }],
            Label = new LabelSpec { Name = "ill", Classes = [.. Enumerable.Range(0, 10).Select(label => $"{label}")] },
            PrivacyUnitColumn = "patient",
        },
    };
}
