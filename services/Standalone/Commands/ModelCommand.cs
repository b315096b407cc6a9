using System.CommandLine;
using FlEvents.Standalone.Console;
using Spectre.Console;

namespace FlEvents.Standalone.Commands;

/// <summary><c>flevents model</c>: what is in a model file.</summary>
public static class ModelCommand
{
    private static readonly Argument<string> File = new("file") { Description = "Model or update (safetensors)." };

    public static Command Create()
    {
        var inspect = new Command("inspect", "Lists the tensors of a model file.") { File };
        inspect.SetAction(options => ModelInspection.Write(AnsiConsole.Console, System.Console.Error, options.GetValue(File)!));
        return new Command("model", "Looks at models.") { inspect };
    }
}
