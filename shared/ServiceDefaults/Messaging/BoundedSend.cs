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
    /// <exception cref="OperationCanceledException">It took too long, or <paramref name="cancellationToken"/> was cancelled.</exception>
    public static async Task RunAsync(Func<CancellationToken, Task> send, TimeProvider time, CancellationToken cancellationToken)
    {
        using var longest = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, longest.Token);
        await send(either.Token).WaitAsync(either.Token);
    }
}
