using System.CommandLine;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents check</c>: everything that is wrong with a run file and its data, and nothing else.</summary>
public static class CheckCommand
{
    private static readonly Argument<string> File = new("file") { Description = "Run file (JSON)." };
    private static readonly Option<string[]> Set = new("--set") { Description = "key=value: replaces a value of the run file." };

    public static Command Create()
    {
        var command = new Command("check", "Checks a run file and its data, and starts nothing.") { File, Set };
        command.SetAction(options =>
        {
            var reading = RunFileReader.LoadWithData(options.GetValue(File)!, options.GetValue(Set) ?? []);
            if (reading.Spec is null)
            {
                return ErrorList.Write(System.Console.Error, reading.Errors);
            }

            System.Console.Out.WriteLine($"{options.GetValue(File)} is right.");
            return ExitCode.Done;
        });
        return command;
    }
}
