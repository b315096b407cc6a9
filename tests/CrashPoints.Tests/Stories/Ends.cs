using FlEvents.EndToEnd.Tests;

namespace FlEvents.CrashPoints.Tests.Stories;

/// <summary>Waits for the last that a process does for a run.</summary>
internal static class Ends
{
    // Said again after each start, whatever was heard before it.
    private static readonly string[] Last = ["aggregator.ack.after RunCompleted", "privacy-accountant.ack.after RunCompleted"];

    /// <summary>Returns once every service has heard that so many runs have ended.</summary>
    public static Task HeardOfEndsAsync(this Life life, int runs) =>
        life.CameToAsync($"{runs} ended runs are known everywhere", () => Last.All(point => life.Count(point) >= runs));

    /// <summary>Returns once something holds in this life, or at its death.</summary>
    public static async Task CameToAsync(this Life life, string what, Func<bool> isSo)
    {
        await Eventually.HoldsAsync(what, () => life.HasDied || isSo());
        life.Died.ThrowIfCancellationRequested();
    }
}
