using System.Text.Json;
using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary><c>flevents run</c>, <c>check</c> and <c>model inspect</c>: what they write and how they end.</summary>
public sealed class RunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;
    private readonly string _out;

    public RunTests()
    {
        _file = _folder.File("tiny.json");
        _out = _folder.File("out");
        File.WriteAllText(_file, TinyRun.Json);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_leaves_a_summary_a_model_and_a_report()
    {
        var (exitCode, output) = await Product.RunAsync("run", _file, "--out", _out);

        Assert.True(exitCode == 0, output);
        Assert.Contains("completed: 3 of 3 rounds", output, StringComparison.Ordinal);
        var summary = Product.Summary(_out);
        Assert.Equal("completed", summary.GetProperty("state").GetString());
        Assert.Equal(5, summary.GetProperty("seed").GetInt64());
        Assert.True(summary.GetProperty("wallSeconds").GetDouble() > 0);
        Assert.Equal(JsonValueKind.Null, summary.GetProperty("reason").ValueKind);
        Assert.Equal(Product.ModelSha256(_out), summary.GetProperty("modelSha256").GetString());
        Assert.Equal(new FileInfo(Path.Combine(_out, "model.safetensors")).Length, summary.GetProperty("modelSizeBytes").GetInt64());
        Assert.Contains(summary.GetProperty("modelSha256").GetString()!, output, StringComparison.Ordinal);
        AssertRounds(summary);
        AssertClients(summary);

        var report = await File.ReadAllTextAsync(Path.Combine(_out, "report.html"));
        Assert.StartsWith("<!DOCTYPE html>", report, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(summary.GetProperty("modelSha256").GetString()!, report, StringComparison.Ordinal);

        await AssertInspectedAsync(summary);
    }

    [Fact]
    public async Task A_run_whose_clients_all_fail_is_given_up_with_exit_code_4()
    {
        // Every step multiplies the weights by about -10⁸: they are infinite after a few, and no client has an update to send.
        var (exitCode, output) = await Product.RunAsync(
            "run", _file, "--out", _out, "--set", "training.learningRate=1e6", "--set", "training.weightDecay=100", "--set", "selection.maximumAbandonedRounds=2");

        Assert.True(exitCode == 4, output);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        var summary = Product.Summary(_out);
        Assert.Equal("abandoned", summary.GetProperty("state").GetString());
        Assert.Contains("TOO_FEW_REPORTS", summary.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(["abandoned", "abandoned"], summary.GetProperty("rounds").EnumerateArray().Select(round => round.GetProperty("state").GetString()));
        Assert.All(summary.GetProperty("clients").EnumerateArray(), client => Assert.Equal(0, client.GetProperty("roundsParticipated").GetInt32()));
    }

    [Fact]
    public async Task Check_says_that_a_run_file_is_right_and_starts_nothing()
    {
        var (exitCode, output) = await Product.RunAsync("check", _file);

        Assert.Equal(0, exitCode);
        Assert.Equal($"{_file} is right.", output.Trim());
        Assert.Equal([_file], Directory.GetFileSystemEntries(_folder.Path));
    }

    private static void AssertRounds(JsonElement summary)
    {
        var rounds = summary.GetProperty("rounds").EnumerateArray().ToList();
        Assert.Equal([1, 2, 3], rounds.Select(round => round.GetProperty("round").GetInt32()));
        Assert.All(rounds, round =>
        {
            Assert.Equal("done", round.GetProperty("state").GetString());
            Assert.Equal(TinyRun.Clients, round.GetProperty("clientsSelected").GetInt32());
            Assert.Equal(TinyRun.Clients, round.GetProperty("updatesAdmitted").GetInt32());
            Assert.Equal(0, round.GetProperty("updatesRejected").GetInt32());
            Assert.InRange(round.GetProperty("accuracy").GetDouble(), 0, 1);
            Assert.InRange(round.GetProperty("clientAccuracy").GetDouble(), 0, 1);
            Assert.True(round.GetProperty("loss").GetDouble() > 0);
            Assert.True(round.GetProperty("durationMs").GetDouble() > 0);
            Assert.True(round.GetProperty("bytesUp").GetInt64() > 0);
            Assert.True(round.GetProperty("bytesDown").GetInt64() > 0);
        });
        var last = rounds[^1];
        var final = summary.GetProperty("final");
        Assert.Equal(last.GetProperty("modelSha256").GetString(), summary.GetProperty("modelSha256").GetString());
        Assert.Equal(last.GetProperty("accuracy").GetDouble(), final.GetProperty("accuracy").GetDouble());
        Assert.Equal(last.GetProperty("loss").GetDouble(), final.GetProperty("loss").GetDouble());
        Assert.Equal(100, final.GetProperty("exampleCount").GetInt64());
        Assert.Equal(10, final.GetProperty("perClassAccuracy").GetArrayLength());
        Assert.True(last.GetProperty("loss").GetDouble() < rounds[0].GetProperty("loss").GetDouble(), "Three rounds make the model better.");
    }

    private static void AssertClients(JsonElement summary)
    {
        var clients = summary.GetProperty("clients").EnumerateArray().ToList();
        Assert.Equal(["client-000000", "client-000001", "client-000002", "client-000003"], clients.Select(client => client.GetProperty("clientId").GetString()));
        Assert.All(clients, client =>
        {
            Assert.Equal(75, client.GetProperty("examples").GetInt32());
            Assert.Equal(TinyRun.Rounds, client.GetProperty("roundsParticipated").GetInt32());
            Assert.Equal(0.25, client.GetProperty("weight").GetDouble());
            Assert.Equal(JsonValueKind.Null, client.GetProperty("epsilon").ValueKind);
        });
    }

    private async Task AssertInspectedAsync(JsonElement summary)
    {
        var (exitCode, output) = await Product.RunAsync("model", "inspect", Path.Combine(_out, "model.safetensors"));
        Assert.True(exitCode == 0, output);
        Assert.Contains("[16, 784]", output, StringComparison.Ordinal);
        Assert.Contains("12,730 elements in 4 tensors", output, StringComparison.Ordinal);
        Assert.Contains(summary.GetProperty("modelSha256").GetString()!, output, StringComparison.Ordinal);

        (exitCode, output) = await Product.RunAsync("model", "inspect", _file);
        Assert.Equal(2, exitCode);
        Assert.StartsWith(_file, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }
}
