using System.CommandLine;
using System.Text;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Data;
using FlEvents.Standalone.Console;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.Report;
using FlEvents.Standalone.RunFiles;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents attack</c>: rebuilds a training image from an update, and fails to where there is noise.</summary>
public static class AttackCommand
{
    private static readonly Argument<string> File = new("file") { Description = "Run file (JSON) of a model on grey images whose first layer is linear." };
    private static readonly Option<string?> Out = new("--out") { Description = "Folder for attack.html. [default: out/NAME]" };
    private static readonly Option<int> Example = new("--example") { Description = "Which image of the data set, from 0." };
    private static readonly Option<string[]> Set = new("--set") { Description = "key=value: replaces a value of the run file." };

    public static Command Create()
    {
        var command = new Command("attack", "Shows what a client's update reveals of a training image, without and with privacy.") { File, Out, Example, Set };
        command.SetAction(Execute);
        return command;
    }

    private static int Execute(ParseResult options)
    {
        var path = options.GetValue(File)!;
        var reading = RunFileReader.LoadWithData(path, options.GetValue(Set) ?? []);
        if (reading.Spec is not { } file)
        {
            return ErrorList.Write(System.Console.Error, reading.Errors);
        }

        try
        {
            var views = Attack.Views(file.Run, file.Simulation.Data[file.Run.Data.DataSet], options.GetValue(Example), new CryptographicNoise());
            var folder = Directory.CreateDirectory(options.GetValue(Out) ?? Path.Combine("out", Path.GetFileNameWithoutExtension(path))).FullName;
            var page = Path.Combine(folder, "attack.html");
            AtomicFile.Write(page, Encoding.UTF8.GetBytes(AttackPage.Create(file.Run.Name, views, file.Run.Model.InputShape[2])));
            foreach (var view in views.Where(view => view.PeakSignalToNoise is not null))
            {
                System.Console.Out.WriteLine($"{view.Title,-14} {AttackPage.Ratio(view.PeakSignalToNoise)}");
            }

            System.Console.Out.WriteLine(page);
            return ExitCode.Done;
        }
        catch (Exception e) when (e is DataException or IOException or ArgumentException or UnauthorizedAccessException)
        {
            System.Console.Error.WriteLine(e.Message);
            return ExitCode.BadInput;
        }
    }
}
