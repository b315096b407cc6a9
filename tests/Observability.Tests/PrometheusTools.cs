using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

/// <summary>Debian's <c>prometheus</c> and <c>promtool</c>, where the machine has them.</summary>
internal static class PrometheusTools
{
    public const string Server = "/usr/bin/prometheus";
    private const string Tool = "/usr/bin/promtool";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Skips the test where there is no Prometheus.</summary>
    public static void Require() => Assert.SkipUnless(
        File.Exists(Server) && File.Exists(Tool), "No Prometheus: install Debian's (apt-get install --no-install-recommends prometheus).");

    /// <summary>Runs promtool to its end.</summary>
    /// <param name="input">File that is its standard input; null for none.</param>
    public static async Task CheckAsync(string[] arguments, string? input = null)
    {
        Require();
        await using var process = input is null
            ? ChildProcess.Start(Tool, arguments)
            : ChildProcess.Start("/bin/sh", ["-c", "input=$1; shift; exec \"$@\" <\"$input\"", "sh", input, Tool, .. arguments]);
        var exitCode = await process.WaitForExitAsync(Patience);
        Assert.True(exitCode == 0, $"promtool {string.Join(' ', arguments)} says:\n{string.Join('\n', process.Output)}");
    }
}
