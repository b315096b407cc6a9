using System.Diagnostics;

namespace FlEvents.Testing;

/// <summary>What is to happen when this test host ends, in whatever way: also when it is killed and can do nothing itself.</summary>
public static class HostEnd
{
    // The shells' standard inputs close when this process is gone; a collected Process object would close them earlier.
    private static readonly List<Process> Watching = [];

    /// <summary>Runs a shell script once this process is gone. A Ctrl+C in the terminal does not reach it.</summary>
    public static void Run(string script, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"trap '' INT TERM HUP; exec >/dev/null 2>&1; cat; {script}");
        start.ArgumentList.Add("host-end");
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        lock (Watching)
        {
            Watching.Add(Process.Start(start) ?? throw new InvalidOperationException("/bin/sh did not start."));
        }
    }
}
