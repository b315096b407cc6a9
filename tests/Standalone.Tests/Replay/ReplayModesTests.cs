using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Commands;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.Tests.Privacy;

namespace FlEvents.Standalone.Tests.Replay;

public sealed class ReplayModesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string?, string> Modes => new()
    {
        { null, "the others can't be: the run kept no updates (keepUpdates: all)" },
        { PrivateRun.Central, "the others can't be: noise is never kept" },
        { PrivateRun.Local, "the others can't be: noise is never kept" },
        { PrivateRun.Example, "the others can't be: noise is never kept" },
        { PrivateRun.LocalCentral, "the others can't be: noise is never kept" },
    };

    [Theory, MemberData(nameof(Modes))]
    public async Task Every_mode_is_verified_and_what_can_not_be_made_again_is_said(string? privacy, string expected)
    {
        var run = await ReplayedRun.LeaveAsync(PrivateRun.Read(privacy, "rounds=2"), _folder.Path);

        var (exitCode, output, errors) = ReplayedRun.Replay(_folder.Path);
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains(expected, output, StringComparison.Ordinal);
        Assert.Contains("Charges   16 final, of 8 tasks in both units: those of the ledger", output, StringComparison.Ordinal);
        Assert.Contains($"Model     {run.Model!.Sha256}, as its bytes and its round say", output, StringComparison.Ordinal);

        File.Delete(_folder.File("model.safetensors"));
        File.Delete(_folder.File("state", "aggregator", "models", run.Model.Sha256));
        Assert.EndsWith($"RoundAggregated is wrong: model {run.Model.Sha256} is not in {_folder.Path}.\n", ReplayedRun.Replay(_folder.Path).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_its_budgets_ended_is_replayed_with_those_that_were_refused()
    {
        // α/(2z²) = 1 for each round at order 8: room for two of three.
        var file = PrivateRun.Read(PrivateRun.Central, "rounds=3", """simulation.budgets={ "client": { "epsilon": 3.1, "delta": 1e-5, "alpha": 8 } }""");
        await ReplayedRun.LeaveAsync(file, _folder.Path);

        var (exitCode, output, errors) = ReplayedRun.Replay(_folder.Path);
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Matches("tiny, budget exhausted: [12] of 3 rounds aggregated, 1 abandoned", output);
        Assert.Contains(ReplayedRun.Records(_folder.Path), record => record.Type == "BudgetRefused");
    }

    [Fact]
    public async Task A_deployments_log_and_models_are_taken_over_http_and_replayed()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        await using (var federation = await Federation.StartAsync(
            PrivateRun.Read(PrivateRun.Central, "rounds=2"), _folder.File("state"), Transport.Memory, "http://127.0.0.1:0", CancellationToken.None))
        {
            var runId = Guid.Empty;
            await foreach (var change in federation.RunAsync(CancellationToken.None))
            {
                runId = change.Run.RunId;
            }

            var url = new Uri($"{federation.Url}/");
            Assert.Equal(0, await EventsCommand.ExecuteAsync(runId, _folder.File("taken"), url, url, output, errors, CancellationToken.None));
            Assert.Equal(2, await EventsCommand.ExecuteAsync(Guid.Empty, _folder.File("none"), url, url, output, errors, CancellationToken.None));
            Assert.Equal($"There is no run {Guid.Empty} at {url}.{Environment.NewLine}", errors.ToString());
        }

        Assert.StartsWith("19 records and 3 models of run ", output.ToString(), StringComparison.Ordinal);
        var (exitCode, shown, _) = ReplayedRun.Replay(_folder.File("taken"));
        Assert.Equal(0, exitCode);
        Assert.Contains("the last is named by run.json", shown, StringComparison.Ordinal);
        Assert.Contains("2 receipts in order; no ledger lies with the log", shown, StringComparison.Ordinal);
    }
}
