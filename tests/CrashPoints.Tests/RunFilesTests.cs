using System.CommandLine;
using FlEvents.EndToEnd.Tests;
using FlEvents.Standalone.Commands;
using FlEvents.Testing;

namespace FlEvents.CrashPoints.Tests;

/// <summary><c>flevents run</c> dies at every crash point of the files it leaves, one after the other.</summary>
public sealed class RunFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // What its threads say of their death is of no interest.
    static RunFilesTests() => Environment.SetEnvironmentVariable("Logging__Console__LogLevel__Default", "None");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_run_that_dies_while_it_writes_its_files_can_always_be_gone_on_with_and_ends_with_all_of_them()
    {
        var (file, disturbed, undisturbed) = (_folder.File("plain.json"), _folder.File("disturbed"), _folder.File("undisturbed"));
        await File.WriteAllTextAsync(file, PlainRun.Json);
        var (_, exitCode) = await RunAsync(undisturbed, death: null, "run", file, "--out", undisturbed);
        Assert.Equal(0, exitCode);

        var points = from name in new[] { "start.json", "model.safetensors", "report.html", "summary.json" }
                     from step in new[] { "fsync", "rename" }
                     from side in new[] { "before", "after" }
                     select $"flevents.{step}.{side} {name}";
        foreach (var point in points)
        {
            var (hasDied, _) = await RunAsync(disturbed, new Death(point), Arguments());
            Assert.True(hasDied, $"The run did not come to {point}.");
        }

        Assert.Equal((false, 0), await RunAsync(disturbed, death: null, Arguments()));
        Assert.Equal(Product.ModelSha256(undisturbed), Product.ModelSha256(disturbed));
        Assert.Equal(Product.Summary(undisturbed).GetProperty("modelSha256").GetString(), Product.Summary(disturbed).GetProperty("modelSha256").GetString());
        Assert.Equal(Names(undisturbed), Names(disturbed));

        string[] Arguments() => File.Exists(Path.Combine(disturbed, "start.json")) ? ["run", "--resume", disturbed] : ["run", file, "--out", disturbed];
    }

    private static IEnumerable<string> Names(string folder) => Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    private static async Task<(bool HasDied, int? ExitCode)> RunAsync(string folder, Death? death, params string[] arguments)
    {
        using var life = new Life(folder, number: 1, death);
        try
        {
            return (false, await RunCommand.Create().Parse(arguments[1..]).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false }));
        }
        catch (Exception) when (life.HasDied)
        {
            return (true, null);
        }
    }
}
