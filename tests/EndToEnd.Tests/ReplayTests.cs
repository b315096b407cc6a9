using System.Text.Json.Nodes;
using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.Replay;
using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary>The log that a run leaves, and <c>flevents replay</c> of it.</summary>
public sealed class ReplayTests : IDisposable
{
    // One client trains at a time, long enough that a moment between two of them can be met.
    private static readonly string[] Kept = ["keepUpdates=all", "simulation.workers=1", "training.localEpochs=40"];

    private readonly TemporaryFolder _folder = new();
    private readonly string _file;

    public ReplayTests()
    {
        _file = _folder.File("tiny.json");
        File.WriteAllText(_file, TinyRun.Json);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_that_is_killed_again_and_again_leaves_the_log_of_an_undisturbed_one()
    {
        var (undisturbed, killed) = (_folder.File("undisturbed"), _folder.File("killed"));
        var (exitCode, output) = await Product.RunAsync(Start(undisturbed));
        Assert.True(exitCode == 0, output);

        Moment[] moments = [Moment.Created, Moment.Charged(1), Moment.Admitted(1, 2), Moment.Frozen(1), Moment.Released(2), Moment.Admitted(3, 3)];
        foreach (var moment in moments)
        {
            await using var program = Product.Start(moment == moments[0] ? Start(killed) : ["run", "--resume", killed]);
            await program.WaitForLineAsync(line => line.Contains("API at", StringComparison.Ordinal), Product.Patience);
            await moment.InAsync(killed, program);
            await program.KillAsync();
        }

        (exitCode, output) = await Product.RunAsync("replay", killed);
        Assert.Equal((2, true), (exitCode, output.Contains("Its run has not ended", StringComparison.Ordinal)));
        (exitCode, output) = await Product.RunAsync("run", "--resume", killed);
        Assert.True(exitCode == 0, output);

        Assert.Equal(Told(undisturbed), Told(killed));
        foreach (var folder in new[] { undisturbed, killed })
        {
            (exitCode, output) = await Product.RunAsync("replay", folder);
            Assert.True(exitCode == 0, output);
            Assert.Contains("Records   27, each as it was written; the last is named by summary.json", output, StringComparison.Ordinal);
            Assert.Contains($"Model     {Product.ModelSha256(undisturbed)}, made again", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_wrong_with_a_log_is_told_on_one_line_with_exit_code_1()
    {
        var folder = _folder.File("out");
        var (exitCode, output) = await Product.RunAsync("run", _file, "--out", folder);
        Assert.True(exitCode == 0, output);
        Assert.Contains(Path.Combine(folder, "events.jsonl"), output, StringComparison.Ordinal);

        var log = await File.ReadAllTextAsync(Path.Combine(folder, "events.jsonl"));
        await File.WriteAllTextAsync(Path.Combine(folder, "events.jsonl"), log.Replace("\"rounds\":3", "\"rounds\":4", StringComparison.Ordinal));
        (exitCode, output) = await Product.RunAsync("replay", folder);

        Assert.Equal(1, exitCode);
        Assert.Matches("^.*out: record 1, CreateModel is wrong: hash [0-9a-f]{64} is not [0-9a-f]{64}, the hash of its content\\.$", output.Trim());
    }

    [Fact]
    public async Task Late_updates_are_made_again_in_the_round_that_they_counted_in_with_their_weight()
    {
        var file = TinyRun.Read(
            "rounds=6", "evaluation.federated=false", "simulation.workers=4", "selection.minimumClients=3", "selection.minimumReports=2", "selection.count=3",
            "selection.overSelection=0.3", "selection.closeOnTarget=true", "aggregation.lateRounds=8", "keepUpdates=all");
        using var late = new CancellationTokenSource(Product.Patience);
        string? sha256 = null;
        IReadOnlyList<RoundView> shown;
        await using (var federation = await Federation.StartAsync(
            file, _folder.File("out", "state"), Transport.Memory, "http://127.0.0.1:0", late.Token, new Straggler(client: 3).Install))
        {
            var runId = Guid.Empty;
            await foreach (var change in federation.RunAsync(late.Token))
            {
                (runId, sha256) = (change.Run.RunId, change.Run.Model?.Sha256);
            }

            shown = federation.Results(runId).Rounds;
            EventsFile.Write(_folder.File("out", "events.jsonl"), await federation.EventsAsync(runId, late.Token));
        }

        var (replayed, fault) = RunReplay.Of(_folder.File("out"), threads: 2);
        Assert.Null(fault);
        var counted = replayed!.History.Rounds.Sum(round => round.Updates.Values.Count(task => task.Update!.RoundsLate > 0));
        Assert.Equal((true, shown.Sum(round => round.UpdatesLate)), (counted > 0, counted));
        Assert.Equal((7, sha256), (replayed.Models.Made, replayed.History.Model!.Sha256));
    }

    private IEnumerable<string> Start(string folder) => ["run", _file, "--out", folder, .. Kept.SelectMany(change => new[] { "--set", change })];

    /// <summary>What a log tells, without times and what derives from the run's own id, in the order of rounds and, within one, of clients.</summary>
    private static IReadOnlyList<string> Told(string folder) =>
    [
        .. File.ReadLines(Path.Combine(folder, "events.jsonl"))
            .Select(line => JsonNode.Parse(line)!)
            .Select(record => (Type: (string)record["type"]!, Body: record["body"]!.AsObject()))
            .Select(record => (record.Type, Round: (int?)record.Body["round"] ?? 0, Body: Lasting(record.Body)))
            .GroupBy(record => (record.Round, record.Type))
            .SelectMany(told => told.Select(record => $"{record.Type} {record.Body}").Order(StringComparer.Ordinal)),
    ];

    private static string Lasting(JsonObject body)
    {
        foreach (var own in new[] { "runId", "roundId", "reservationId", "deadlineAt" })
        {
            body.Remove(own);
        }

        // The ledger's entries have times, so its hashes differ; their number does not.
        body["receipt"]?.AsObject().Remove("hash");
        return body.ToJsonString();
    }
}
