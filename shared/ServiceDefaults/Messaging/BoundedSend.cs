namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// Hands a message to the bus and waits no longer than it is worth, whether or not the bus minds its token. RabbitMQ.Client 7 disposes a broken channel's
/// semaphores while sends wait for them, and a wait for a disposed <see cref="SemaphoreSlim"/> never ends, not even when its token is cancelled.
/// </summary>
public static class BoundedSend
{
    /// <summary>Longest wait for one message.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <param name="send">Hands the message over; left behind where it does not end.</param>
    /// <exception cref="TimeoutException">It took too long.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static async Task RunAsync(Func<CancellationToken, Task> send, TimeProvider time, CancellationToken cancellationToken)
    {
        // Not disposed: a send that is left behind may still ask it.
        var given = new CancellationTokenSource();
        try
        {
            await send(given.Token).WaitAsync(Longest, time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // Nobody waits for it: what the bus throws when it is told would end the process where a timer told it.
            _ = given.CancelAsync();
            throw;
        }
    }
}
