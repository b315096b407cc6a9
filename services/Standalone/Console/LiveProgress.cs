using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace FlEvents.Standalone.Console;

/// <summary>
/// Tells a run's progress. Finished rounds are lines that stay; on an interactive terminal a bar for each round in progress moves below them, and
/// anywhere else (a file, a pipe, a build server) there are the lines alone.
/// </summary>
public static class LiveProgress
{
    /// <summary>Shows events until they end.</summary>
    /// <returns>The last view of the run; null when there was no event.</returns>
    public static async Task<RunView?> ShowAsync(IAnsiConsole console, IAsyncEnumerable<ProgressEvent> events, CancellationToken cancellation)
    {
        if (!IsLive(console))
        {
            var output = console.Profile.Out.Writer;
            return await FollowAsync(events, output.WriteLine, _ => { }, cancellation);
        }

        var unicode = console.Profile.Capabilities.Unicode;
        return await console.Live(Text.Empty).AutoClear(true).StartAsync(live => FollowAsync(
            events,
            // What is written during a live display stands above it, and must cover all of the line that the display had there.
            line => console.Write(new Text(line.PadRight(console.Profile.Width - 1) + "\n")),
            board => live.UpdateTarget(Bars(board, unicode)),
            cancellation));
    }

    /// <summary>Whether the console is a terminal on which a display can move.</summary>
    public static bool IsLive(IAnsiConsole console) =>
        console.Profile is { Capabilities: { Interactive: true, Ansi: true }, Out.IsTerminal: true };

    private static async Task<RunView?> FollowAsync(
        IAsyncEnumerable<ProgressEvent> events,
        Action<string> writeLine,
        Action<ProgressBoard> draw,
        CancellationToken cancellation)
    {
        var board = ProgressBoard.Empty;
        var headed = false;
        await foreach (var progress in events.WithCancellation(cancellation))
        {
            (board, var told) = board.On(progress);
            draw(board);
            Tell(told);
        }

        Tell(board.Untold());
        return board.Run;

        void Tell(IReadOnlyList<RoundView> rounds)
        {
            foreach (var round in rounds)
            {
                if (!headed)
                {
                    writeLine(ProgressLines.Heading(board.Run!.Spec));
                    headed = true;
                }

                writeLine(ProgressLines.Finished(round, board.Run!.Spec));
            }
        }
    }

    private static Rows Bars(ProgressBoard board, bool unicode)
    {
        var run = board.Run!;
        var bars = board.Open.Select(round => (IRenderable)new Text(ProgressLines.Open(round, unicode), new Style(Color.Teal))).ToList();
        var note = run.State switch
        {
            RunState.Preparing => "waiting for clients and the initial model",
            RunState.Paused => "paused",
            _ => $"{SpecText.Plain(run.Name)}, {run.Rounds} {(run.Rounds == 1 ? "round" : "rounds")}",
        };
        return new Rows([.. bars, new Text($"         {note}", new Style(Color.Grey))]);
    }
}
