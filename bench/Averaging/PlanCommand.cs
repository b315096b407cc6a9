using System.CommandLine;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Bench.Averaging;

/// <summary><c>fedavg-plan</c>: what bench/peers/fedavg_numpy.py needs to do a run of FlEvents again.</summary>
public static class PlanCommand
{
    private static readonly Argument<string> File = new("file") { Description = "Run file (JSON)." };
    private static readonly Argument<string> Out = new("out") { Description = "Folder for plan.json and initial.safetensors." };
    private static readonly Option<string[]> Set = new("--set") { Description = "key=value, as of `flevents run`." };

    public static Command Create()
    {
        var command = new Command("fedavg-plan", "Writes everything random in a run, for bench/peers/fedavg_numpy.py.") { File, Out, Set };
        command.SetAction((options, _) =>
        {
            AveragingPlan.Write(Load(options.GetValue(File)!, options.GetValue(Set) ?? []), options.GetValue(Out)!);
            return Task.FromResult(0);
        });
        return command;
    }

    /// <exception cref="InvalidDataException">The run file is wrong; the message has a line for each error.</exception>
    public static RunFile Load(string path, IReadOnlyList<string> overrides)
    {
        var reading = RunFileReader.Load(path, overrides);
        return reading.Spec ?? throw new InvalidDataException(string.Join('\n', reading.Errors.Select(error => $"{error.Path}: {error.Message}")));
    }
}
