using System.Runtime.InteropServices;

namespace FlEvents.Testing;

/// <summary>
/// Processes found by a variable of their environment. Children inherit it, and it survives what loses a parent's trace (a daemon's double fork,
/// a session of its own): so exactly what a test started is found, and nothing else.
/// </summary>
public static class MarkedProcesses
{
    private static readonly TimeSpan KillTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(10);

    /// <summary>Ids of the running processes whose environment holds <paramref name="mark"/>, written <c>NAME=value</c>.</summary>
    public static IReadOnlyList<int> Find(string mark) =>
        [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _))
            .Select(name => int.Parse(name!, null)).Where(id => id != Environment.ProcessId && EnvironmentOf(id).Contains(mark))];

    /// <summary>Sends a signal to each of them.</summary>
    public static void Signal(string mark, Signal signal)
    {
        foreach (var id in Find(mark))
        {
            Signal(id, signal);
        }
    }

    /// <summary>Sends a signal; does nothing when the process has ended.</summary>
    public static void Signal(int processId, Signal signal) => _ = SendSignal(processId, (int)signal);

    /// <summary>Kills them, and those they start meanwhile, and returns when they are gone.</summary>
    /// <exception cref="TimeoutException">Some are still there after ten seconds.</exception>
    public static async Task KillAsync(string mark)
    {
        using var late = new CancellationTokenSource(KillTime);
        while (Find(mark) is { Count: > 0 } ids)
        {
            if (late.IsCancellationRequested)
            {
                throw new TimeoutException($"Processes {string.Join(", ", ids)} do not end, though killed.");
            }

            foreach (var id in ids)
            {
                Signal(id, Testing.Signal.Kill);
            }

            await Task.Delay(LookAgain).ConfigureAwait(false);
        }
    }

    private static string[] EnvironmentOf(int processId)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/environ").Split('\0');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Ended meanwhile, or another user's: not one of ours.
            return [];
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}

/// <summary>Signals by their numbers on Linux.</summary>
public enum Signal
{
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}
