namespace FlEvents.Aggregator.Tests;

/// <summary>Waits for a file to go, told by the file system.</summary>
internal static class Vanishing
{
    // Only a hang takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task OfAsync(string path)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path));
        watcher.Deleted += (_, _) => gone.TrySetResult();
        watcher.Renamed += (_, _) => gone.TrySetResult();
        watcher.EnableRaisingEvents = true;
        if (File.Exists(path))
        {
            await gone.Task.WaitAsync(Patience);
        }
    }
}
