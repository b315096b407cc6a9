using System.CommandLine;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Replay;
using Microsoft.Data.Sqlite;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents replay</c>: makes a run's models and charges again from its event log, and verifies what can't be made again.</summary>
public static class ReplayCommand
{
    private static readonly Argument<string> Folder = new("folder") { Description = "Folder that a run has left, or that flevents events has made." };

    public static Command Create()
    {
        var command = new Command("replay", "Makes a run's models and charges again from its event log and blobs, and names the first record that is wrong.") { Folder };
        command.SetAction(options => Execute(options.GetValue(Folder)!, System.Console.Out, System.Console.Error));
        return command;
    }

    /// <summary>Replays a folder and writes what was verified, or what is wrong.</summary>
    /// <returns>The exit code; that of bad input where there is no log.</returns>
    public static int Execute(string folder, TextWriter output, TextWriter errors)
    {
        try
        {
            var (replayed, fault) = RunReplay.Of(folder, Environment.ProcessorCount);
            if (replayed is null)
            {
                errors.WriteLine($"{folder}: {fault!.Place} is wrong: {fault.Reason}.");
                return ExitCode.Failed;
            }

            ReplayReport.Write(output, replayed);
            return ExitCode.Done;
        }
        catch (NoEventLogException e)
        {
            errors.WriteLine(e.Message);
            return ExitCode.BadInput;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SqliteException)
        {
            errors.WriteLine($"{folder} can't be read: {e.Message}");
            return ExitCode.Failed;
        }
    }
}
