using System.Net;
using System.Net.Sockets;
using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary>Bad input ends with exit code 2, everything that is wrong with it, and nothing started.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Csv = """
        {
          "run": {
            "name": "ward",
            "rounds": 1,
            "model": { "name": "logistic", "inputShape": [1], "outputs": 2 },
            "data": { "dataSet": "ward", "columns": [{ "name": "age", "kind": "numeric" }], "label": { "name": "readmitted", "classes": ["no", "yes"] } },
            "training": { "learningRate": 0.1, "batchSize": 4 }
          },
          "simulation": { "clients": 2, "data": { "ward": { "kind": "csv", "path": "ward.csv" } } }
        }
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly string _file;
    private readonly string _out;

    public BadInputTests()
    {
        _file = _folder.File("tiny.json");
        _out = _folder.File("out");
        File.WriteAllText(_file, TinyRun.Json);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_unknown_key_and_a_wrong_type_are_reported_together()
    {
        await File.WriteAllTextAsync(_file, TinyRun.Json.Replace("\"batchSize\": 16", "\"batchSize\": 16, \"bathcSize\": 3", StringComparison.Ordinal)
            .Replace("\"rounds\": 3", "\"rounds\": \"three\"", StringComparison.Ordinal));

        await AssertRefusedAsync(
            [
                "$.run.rounds: expected a whole number in [1, 100000], got \"three\"",
                "$.run.training.bathcSize: unknown key; did you mean \"batchSize\"?",
            ],
            "run", _file, "--out", _out);
    }

    [Fact]
    public async Task Impossible_combinations_are_reported_together() => await AssertRefusedAsync(
        [
            "$.run.selection: expected a fraction or a count, got fraction 0.5 and count 3",
            "$.run.selection.minimumReports: expected at most the cohort's count, 3, got 4",
            "$.run.selection.minimumClients: expected at most simulation.clients, 4, got 9",
        ],
        "run", _file, "--out", _out, "--set", "selection.fraction=0.5", "--set", "selection.count=3", "--set", "selection.minimumClients=9");

    [Theory, InlineData("run"), InlineData("check")]
    public async Task A_missing_data_file_is_named(string command)
    {
        await File.WriteAllTextAsync(_file, Csv);

        await AssertRefusedAsync([$"$.simulation.data.ward: '{_folder.File("ward.csv")}': not found; expected a readable file."], Arguments(command));
    }

    [Theory, InlineData("run"), InlineData("check")]
    public async Task Every_malformed_line_of_a_data_file_is_named(string command)
    {
        await File.WriteAllTextAsync(_file, Csv);
        await File.WriteAllLinesAsync(_folder.File("ward.csv"), ["age,readmitted", "71,no", "old,yes", "64,perhaps", "58,no,1"]);

        await AssertRefusedAsync(
            [
                "$.simulation.data.ward: ward.csv: line 3, column 'age': value 'old'; expected a finite number.",
                "$.simulation.data.ward: ward.csv: line 4, column 'readmitted': value 'perhaps'; expected one of the 2 declared classes.",
                "$.simulation.data.ward: ward.csv: line 5: 3 fields; expected 2, as in the header.",
            ],
            Arguments(command));
    }

    [Fact]
    public async Task More_clients_than_examples_are_refused()
    {
        await File.WriteAllTextAsync(_file, Csv);
        await File.WriteAllLinesAsync(_folder.File("ward.csv"), ["age,readmitted", "71,no"]);

        await AssertRefusedAsync(["$.simulation.partition: 2 clients for 1 examples; expected at least one example each."], Arguments("run"));
    }

    [Fact]
    public async Task A_run_file_that_is_cut_off_is_refused_with_the_place()
    {
        await File.WriteAllTextAsync(_file, "{ \"run\": {");

        var output = await AssertRefusedAsync([], Arguments("run"));

        Assert.StartsWith("$: not valid JSON at line 1", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_file_that_is_not_there_is_named() =>
        await AssertRefusedAsync([$"{_folder.File("none.json")}: Could not find file '{_folder.File("none.json")}'."], "run", _folder.File("none.json"), "--out", _out);

    [Fact]
    public async Task A_folder_without_a_run_cannot_be_gone_on_with()
    {
        var output = await AssertRefusedAsync([], "run", "--resume", _out);

        Assert.StartsWith($"{_out} holds no run to go on with: ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_before_anything_starts()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://{other.LocalEndpoint}";

        await AssertRefusedAsync([$"--listen: cannot listen on {url}: Address already in use."], "run", _file, "--out", _out, "--listen", url);
    }

    [Fact]
    public async Task A_file_in_the_place_of_the_output_folder_is_named()
    {
        await File.WriteAllTextAsync(_out, "mine");

        await AssertRefusedAsync([$"{_out} is a file; expected a folder."], Arguments("run"));
    }

    private string[] Arguments(string command) => command == "run" ? [command, _file, "--out", _out] : [command, _file];

    private async Task<string> AssertRefusedAsync(IReadOnlyList<string> lines, params string[] arguments)
    {
        var (exitCode, output) = await Product.RunAsync(arguments);

        Assert.True(exitCode == 2, output);
        Assert.False(Directory.Exists(_out));
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        if (lines.Count > 0)
        {
            Assert.Equal(lines, output.Trim().Split('\n'));
        }

        return output;
    }
}
