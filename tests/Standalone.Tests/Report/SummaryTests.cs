using System.Text.Json;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Tests.Report;

public class SummaryTests
{
    [Fact]
    public void The_file_has_the_keys_that_scripts_rely_on()
    {
        var json = JsonSerializer.SerializeToElement(ExampleRun.Summary(), SummaryFile.Json);
        var round = json.GetProperty("rounds")[0];
        var client = json.GetProperty("clients")[0];

        Assert.Equal("completed", json.GetProperty("state").GetString());
        Assert.Equal(7, json.GetProperty("seed").GetInt64());
        Assert.Equal(64, json.GetProperty("modelSha256").GetString()!.Length);
        Assert.Equal(41.3, json.GetProperty("wallSeconds").GetDouble());
        Assert.Equal("heldOutData", json.GetProperty("scoredOn").GetString());
        Assert.All(["runId", "name", "startedAt", "parameterCount", "productVersion", "reason"], key => Assert.True(json.TryGetProperty(key, out _), key));
        Assert.All(
            ["round", "clientsSelected", "updatesAdmitted", "updatesRejected", "loss", "accuracy", "durationMs", "bytesDown", "bytesUp", "modelSha256"],
            key => Assert.True(round.TryGetProperty(key, out _), key));
        Assert.All(["accuracy", "loss", "perClassAccuracy", "auc", "meanAbsoluteError"], key => Assert.True(json.GetProperty("final").TryGetProperty(key, out _), key));
        Assert.All(["clientId", "examples", "roundsParticipated"], key => Assert.True(client.TryGetProperty(key, out _), key));
        Assert.All(["epsilon", "delta", "budget"], key => Assert.Equal(JsonValueKind.Null, client.GetProperty(key).ValueKind));
    }

    [Fact]
    public void Rounds_are_in_order_and_those_in_progress_are_left_out()
    {
        var open = ExampleRun.Round(4, 10) with { State = RoundState.Collecting, DurationMs = null };

        var summary = Summary.Create(ExampleRun.Run(), [ExampleRun.Round(2, 10), open, ExampleRun.Round(1, 10)], [], [], TimeSpan.Zero, "0");

        Assert.Equal([1, 2], summary.Rounds.Select(round => round.Round));
    }

    [Fact]
    public void The_final_scores_are_those_of_the_last_round_that_was_scored()
    {
        var summary = Summary.Create(ExampleRun.Run(), [ExampleRun.Round(1, 10), ExampleRun.Round(2, 10) with { Evaluation = null }], [], [], TimeSpan.Zero, "0");

        Assert.Equal(1, summary.Final!.Round);
        Assert.Equal(summary.Rounds[0].Accuracy, summary.Final.Accuracy);
        Assert.Null(summary.Rounds[1].Accuracy);
        Assert.NotNull(summary.Rounds[1].ClientAccuracy);
    }

    [Fact]
    public void Without_held_out_data_the_clients_scores_count()
    {
        var summary = Summary.Create(ExampleRun.Run(), [ExampleRun.Round(1, 10) with { Evaluation = null }], [], [], TimeSpan.Zero, "0");

        Assert.Equal(ScoreSource.Clients, summary.ScoredOn);
        Assert.Equal(summary.Rounds[0].ClientLoss, summary.Rounds[0].Loss);
        Assert.Equal(600, summary.Final!.ExampleCount);
    }

    [Fact]
    public void A_run_without_scores_has_none() => Assert.Null(Summary.Create(ExampleRun.Run(), [], [], [], TimeSpan.Zero, "0").Final);

    [Fact]
    public void Writing_replaces_the_file_and_leaves_nothing_beside_it()
    {
        var folder = Directory.CreateTempSubdirectory("summary-");
        var path = Path.Combine(folder.FullName, "summary.json");
        File.WriteAllText(path, "old");

        Summary.Write(ExampleRun.Summary(), path);

        Assert.Equal("Handwritten digits", JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("name").GetString());
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.FullName));
        folder.Delete(recursive: true);
    }

    [Fact]
    public void A_write_that_fails_leaves_nothing_behind()
    {
        var folder = Directory.CreateTempSubdirectory("summary-");
        var path = Path.Combine(folder.FullName, "taken");
        Directory.CreateDirectory(Path.Combine(path, "full"));

        Assert.ThrowsAny<Exception>(() => AtomicFile.Write(path, "x"u8));

        Assert.Equal([path], Directory.GetFileSystemEntries(folder.FullName));
        folder.Delete(recursive: true);
    }
}
