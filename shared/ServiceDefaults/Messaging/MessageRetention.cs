using FlEvents.ServiceDefaults.Storage;
using Microsoft.Extensions.Hosting;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>Forgets messages, received and sent, that are too old to come again: far past any lease, deadline or broker's redelivery.</summary>
public sealed class MessageRetention(Database database, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);
    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    private const string DeleteOld = """
        delete from inbox where received_at < @before;
        delete from outbox where sent_at < @before;
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(tick => tick.IsCompletedSuccessfully && tick.Result, TaskScheduler.Default))
        {
            await database.WriteUnsyncedAsync(transaction => transaction.Execute(DeleteOld, new { before = transaction.Now - Kept }), stoppingToken, "DeleteOldMessages");
        }
    }
}
