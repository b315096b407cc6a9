using System.CommandLine;
using System.Text.Json;
using FlEvents.Orchestrator.Plans;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.RunFiles;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents plan</c>: what a run file costs in privacy, traffic and time, before anything runs.</summary>
public static class PlanCommand
{
    private static readonly Argument<string> File = new("file") { Description = "Run file (JSON)." };
    private static readonly Option<string[]> Set = new("--set") { Description = "key=value: replaces a value of the run file." };
    private static readonly Option<bool> Json = new("--json") { Description = "Prints one JSON object." };

    public static Command Create()
    {
        var command = new Command("plan", "Says what a run would cost in privacy, traffic and time, and starts nothing.") { File, Set, Json };
        command.SetAction((options, cancellationToken) => Task.FromResult(Execute(
            options.GetValue(File)!, options.GetValue(Set) ?? [], options.GetValue(Json), AnsiConsole.Console, System.Console.Out, System.Console.Error, cancellationToken)));
        return command;
    }

    /// <summary>Plans the run of a file.</summary>
    /// <param name="console">Where the plan goes as a page.</param>
    /// <param name="output">Where it goes as JSON.</param>
    /// <returns>The exit code.</returns>
    public static int Execute(
        string path, IReadOnlyList<string> overrides, bool asJson, IAnsiConsole console, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        var reading = RunFileReader.LoadWithData(path, overrides);
        if (reading.Spec is not { } file)
        {
            return ErrorList.Write(errors, reading.Errors);
        }

        try
        {
            var examples = ClientExamples.Of(file);
            var mean = (int)Math.Ceiling(examples.Declared.Average());
            var task = LocalRoundTime.Measure(file.Run, mean, examples.RowsOfEach, TimeProvider.System, cancellationToken);
            var plan = RunPlans.Of(file, examples.Declared, task, Environment.ProcessorCount);
            if (asJson)
            {
                output.WriteLine(JsonSerializer.Serialize(plan, RunPlan.Json));
            }
            else
            {
                PlanView.Write(console, plan);
            }

            return ExitCode.Done;
        }
        catch (InvalidDataException e)
        {
            errors.WriteLine($"{path}: {e.Message}");
            return ExitCode.BadInput;
        }
    }
}
