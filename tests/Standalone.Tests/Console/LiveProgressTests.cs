using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Tests.Console;

public class LiveProgressTests
{
    [Fact]
    public async Task A_log_gets_a_heading_and_an_aligned_line_per_finished_round()
    {
        var lines = await Plain(Events(ExampleRun.Spec, ExampleRun.Rounds(8)));

        Assert.Equal(9, lines.Length);
        Assert.Equal("  Round   Accuracy       Loss      Clients      Down        Up         Time", lines[0]);
        Assert.Equal("      1    62.61 %      1.076        10/10   1.76 MB   1.76 MB       3.22 s", lines[1]);
        Assert.Equal("      7  abandoned: 2 updates admitted, 5 needed", lines[7]);
        Assert.All(lines.Where(line => !line.Contains("abandoned", StringComparison.Ordinal)), line => Assert.Equal(lines[0].Length, line.Length));
    }

    [Fact]
    public async Task A_repeated_event_is_told_once()
    {
        var events = Events(ExampleRun.Spec, ExampleRun.Rounds(2));

        Assert.Equal(3, (await Plain([.. events, .. events])).Length);
    }

    [Fact]
    public async Task A_round_waits_for_the_scores_of_clients_where_nothing_else_scores_it()
    {
        var spec = ExampleRun.Spec with { Evaluation = new EvaluationSpec { Federated = true } };
        var scored = ExampleRun.Round(1, 10) with { Evaluation = null };
        var unscored = scored with { FederatedEvaluation = null };
        var next = ExampleRun.Round(2, 10) with { Evaluation = null, FederatedEvaluation = null };

        var lines = await Plain(Events(spec, [unscored, scored, next]));

        Assert.Equal(3, lines.Length);
        Assert.Contains("1.025", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("      2          –", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_to_learn_is_told_by_its_error()
    {
        var spec = ExampleRun.Spec with { Training = ExampleRun.Spec.Training with { Loss = LossKind.MeanSquaredError } };
        var round = ExampleRun.Round(1, 10);

        var lines = await Plain(Events(spec, [round with { Evaluation = round.Evaluation! with { Accuracy = null, MeanAbsoluteError = 3.25 } }]));

        Assert.Contains("Error", lines[0], StringComparison.Ordinal);
        Assert.Contains("3.250", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_gets_a_bar_for_each_round_in_progress_and_the_same_lines()
    {
        var open = ExampleRun.Round(2, 10) with { State = RoundState.Collecting, UpdatesAdmitted = 4, UpdatesRejected = 1 };
        var console = Console(terminal: true, out var output);

        var last = await LiveProgress.ShowAsync(console, Events(ExampleRun.Spec, [ExampleRun.Round(1, 10), open, ExampleRun.Round(2, 10)]).ToAsyncEnumerable(), CancellationToken.None);

        var text = output.ToString();
        Assert.Contains("      2  ███████████████░░░░░░░░░░░░░░░  5/10 collecting", text, StringComparison.Ordinal);
        Assert.Contains("      1    62.61 %      1.076        10/10   1.76 MB   1.76 MB       3.22 s", text, StringComparison.Ordinal);
        Assert.Equal(1, text.Split("  Accuracy  ").Length - 1);
        Assert.Equal(RunState.Completed, last!.State);
    }

    [Fact]
    public async Task Without_events_nothing_is_written() => Assert.Empty(await Plain([]));

    [Fact]
    public async Task A_hostile_reason_cannot_move_the_cursor()
    {
        var round = ExampleRun.Round(1, 10, abandoned: true) with { Reason = "\u001b[2J[red]gone\nnext" };

        Assert.Equal("      1  abandoned: \\u001b[2J[red]gone\\u000anext", (await Plain(Events(ExampleRun.Spec, [round])))[1]);
    }

    private static ProgressEvent[] Events(RunSpec spec, IReadOnlyList<RoundView> rounds) =>
        [.. rounds.Select(round => new ProgressEvent { Run = ExampleRun.Run(RunState.Completed, spec), Round = round })];

    private static async Task<string[]> Plain(ProgressEvent[] events)
    {
        var console = Console(terminal: false, out var output);
        await LiveProgress.ShowAsync(console, events.ToAsyncEnumerable(), CancellationToken.None);
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static IAnsiConsole Console(bool terminal, out StringWriter output)
    {
        output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = terminal ? AnsiSupport.Yes : AnsiSupport.No,
            Interactive = terminal ? InteractionSupport.Yes : InteractionSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new Terminal(output, terminal),
        });
        console.Profile.Capabilities.Unicode = true;
        return console;
    }

    private sealed class Terminal(TextWriter writer, bool isTerminal) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => isTerminal;

        public int Width => 100;

        public int Height => 30;

        public void SetEncoding(System.Text.Encoding encoding)
        {
        }
    }
}
