using FlEvents.Contracts;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.Learning;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Tests.Console;

public class ConsoleViewTests
{
    [Fact]
    public void Errors_are_one_line_each()
    {
        var output = new StringWriter();

        var code = ErrorList.Write(output, [new SpecError("$.run.name", "missing; expected text"), new SpecError("$.run.x", "unknown key")]);

        Assert.Equal($"$.run.name: missing; expected text{Environment.NewLine}$.run.x: unknown key{Environment.NewLine}", output.ToString());
        Assert.Equal(2, code);
    }

    [Theory]
    [InlineData(RunState.Completed, 0)]
    [InlineData(RunState.Stopped, 0)]
    [InlineData(RunState.BudgetExhausted, 3)]
    [InlineData(RunState.Abandoned, 4)]
    [InlineData(RunState.Running, 1)]
    public void The_exit_code_tells_how_a_run_ended(RunState state, int code) => Assert.Equal(code, ExitCode.Of(state));

    [Fact]
    public void A_run_ends_with_its_state_its_scores_its_model_and_its_files()
    {
        var output = new StringWriter { NewLine = "\n" };

        RunEnding.Write(output, ExampleRun.Summary(), ["out/summary.json", "out/report.html"]);

        Assert.Equal(
            $"""

            Run       completed: 11 of 12 rounds in 41.3 s
            Accuracy  97.75 % (held-out data, 1,000 examples, after round 12)
            Loss      0.0721
            Privacy   no guarantee
            Model     {ExampleRun.Run().Model!.Sha256}
            Files     out/summary.json
                      out/report.html

            """,
            output.ToString());
    }

    [Fact]
    public void Status_lists_runs_and_clients_as_text_not_markup()
    {
        var client = new ClientView
        {
            ClientId = "north",
            Pool = null,
            Alive = true,
            DataSets = [new ClientDataSet { Ledger = new LedgerIdentity { Owner = "north", DataSet = "digits", PartitionRule = "whole", PartitionSeed = 1, PartitionIndex = 0 }, ExampleCount = 1200 }],
        };
        var text = Show(console => StatusView.Write(console, [ExampleRun.Run() with { Name = "[bold]night[/] \u001b[2J" }], [client, client with { ClientId = "pooled", Pool = "p1", Alive = false }]));

        Assert.Contains("[bold]night[/] \\u001b[2J", text, StringComparison.Ordinal);
        Assert.Contains("12 of 12", text, StringComparison.Ordinal);
        Assert.Matches(@"north +its own worker +yes +digits +1,200", text);
        Assert.Matches(@"pooled +pool p1 +no", text);
    }

    [Fact]
    public void Status_says_when_there_is_nothing() => Assert.Equal("No runs.\nNo clients.\n", Show(console => StatusView.Write(console, [], [])));

    [Fact]
    public void Inspection_shows_each_tensor_and_the_hash_of_the_file()
    {
        var model = Model.Create(new ModelSpec { Name = ModelName.Logistic, InputShape = [3], Outputs = 2 });
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.Create(path))
            {
                SafetensorsWriter.Write(model.Layout, [3, -4, 0, 0, 0, 0, 1, float.NaN], file);
            }

            var text = Show(console => Assert.Equal(ExitCode.Done, ModelInspection.Write(console, TextWriter.Null, path)));

            Assert.Matches(@"0\.weight +F32 +\[2, 3\] +-4 +3 +5", text);
            Assert.Matches(@"0\.bias +F32 +\[2\] +1 +1 +1 not finite", text);
            Assert.Contains("8 elements in 2 tensors", text, StringComparison.Ordinal);
            Assert.Contains($"SHA-256 {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}", text, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory, InlineData("not a model"), InlineData(null)]
    public void Inspection_of_something_else_is_bad_input(string? content)
    {
        var path = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("n"));
        var errors = new StringWriter();
        if (content is not null)
        {
            File.WriteAllText(path, content);
        }

        Show(console => Assert.Equal(ExitCode.BadInput, ModelInspection.Write(console, errors, path)));

        Assert.StartsWith($"{path}: ", errors.ToString(), StringComparison.Ordinal);
        File.Delete(path);
    }

    private static string Show(Action<IAnsiConsole> write)
    {
        var output = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 160;
        write(console);
        return output.ToString();
    }
}
