namespace FlEvents.ClientWorker.Storage;

/// <summary>Deletes, once an hour, what is old and done with.</summary>
public sealed class Retention(TaskStore store, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await store.DeleteOldAsync(stoppingToken);
                await Task.Delay(Pause, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is left is deleted after the next start.
        }
    }
}
