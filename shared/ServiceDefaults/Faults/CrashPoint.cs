namespace FlEvents.ServiceDefaults.Faults;

/// <summary>A named place that a process has come to.</summary>
/// <param name="Name">
/// Whose step it is, the step and its side, and what it is for where one place serves several: <c>orchestrator.commit.before BudgetReserved</c>.
/// </param>
/// <param name="Path">The database, folder or file that the step belongs to, so that several hosts in one process can be told apart.</param>
public readonly record struct CrashPointHit(string Name, string Path);

/// <summary>
/// The places before and after everything of a process that outlives it or that others see: a commit, a message to the bus, an acknowledgement, a sync, a
/// rename. A test lets a process die at each of them, one after the other, and starts it again from what is on the disk.
/// </summary>
/// <remarks>
/// Only a test can watch: the property is visible to its assembly alone, and no option or variable sets it. Elsewhere a point costs a comparison with null.
/// </remarks>
public static class CrashPoint
{
    /// <summary>Called at every point, on the thread that has come to it; it throws where the process is to die. Null outside of tests.</summary>
    internal static Action<CrashPointHit>? Watcher { get; set; }

    public static bool IsWatched => Watcher is not null;

    /// <summary>A process comes to a point.</summary>
    /// <param name="owner">Whose step it is: a service, or one of its folders.</param>
    /// <param name="step">The step and its side: <c>commit.before</c>.</param>
    /// <param name="operation">The message or operation it is for; null where the step serves one thing.</param>
    public static void Pass(string owner, string step, string path, string? operation = null) =>
        Watcher?.Invoke(new CrashPointHit(operation is null ? $"{owner}.{step}" : $"{owner}.{step} {operation}", path));
}
