using System.Text;
using FlEvents.Standalone.RunFiles;
using Spectre.Console;

namespace FlEvents.Standalone.Tests.Privacy;

/// <summary>A run of a second: 300 generated digits among four clients, 75 each.</summary>
internal static class PrivateRun
{
    public const string Central = """{ "mode": "central", "central": { "clipNorm": 1, "noiseMultiplier": 2 } }""";
    public const string Example = """{ "mode": "example", "example": { "clipNorm": 1, "noiseMultiplier": 1.1 } }""";
    public const string Local = """{ "mode": "local", "local": { "clipNorm": 1, "noiseMultiplier": 3 } }""";
    public const string ExampleCentral = """
        { "mode": "example+central", "example": { "clipNorm": 1, "noiseMultiplier": 1.1 }, "central": { "clipNorm": 1, "noiseMultiplier": 2 } }
        """;

    public const string LocalCentral = """
        { "mode": "local+central", "local": { "clipNorm": 1, "noiseMultiplier": 3 }, "central": { "clipNorm": 1, "noiseMultiplier": 2 } }
        """;

    public const string Json = """
        {
          "run": {
            "name": "tiny",
            "seed": 5,
            "rounds": 10,
            "model": { "name": "mlp", "hidden": [16], "inputShape": [1, 28, 28], "outputs": 10 },
            "data": { "dataSet": "digits", "image": { "mean": 0.13, "scale": 0.31 } },
            "training": { "learningRate": 0.1, "batchSize": 16 },
            "selection": { "count": 4, "minimumReports": 2 }
          },
          "simulation": {
            "clients": 4,
            "workers": 2,
            "data": { "digits": { "kind": "digits", "count": 300, "seed": 1 } }
          }
        }
        """;

    /// <summary>The run file with a mode and changes as for <c>--set</c>.</summary>
    public static RunFile Read(string? privacy, params IEnumerable<string> changes)
    {
        string[] all = privacy is null ? [.. changes] : [$"privacy={privacy}", .. changes];
        var (file, errors) = RunFileReader.Read(Encoding.UTF8.GetBytes(Json), AppContext.BaseDirectory, all, _ => null);
        Assert.Empty(errors);
        return file!;
    }

    /// <summary>What is written to a console of 80 columns that is no terminal.</summary>
    public static string Shown(Action<IAnsiConsole> write)
    {
        var output = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 80;
        write(console);
        return output.ToString();
    }
}
