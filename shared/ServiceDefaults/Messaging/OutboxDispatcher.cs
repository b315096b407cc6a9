using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// Hands committed messages to the bus and notes that the broker has them. A commit wakes it; polling is the fallback. Whatever it cannot tell
/// to be delivered is sent again under the same message id, and the receiver's inbox drops the second one.
/// </summary>
public sealed partial class OutboxDispatcher(Database database, IBusControl bus, IOptions<BusOptions> options, TimeProvider time, ILogger<OutboxDispatcher> log)
    : BackgroundService
{
    private const int LargestBatch = 256;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestSend = TimeSpan.FromSeconds(10);
    private readonly SortedSet<long> _returned = [];
    private long _cursor;
    private long _returnedSentAt;

    private const string ClearSent = "update outbox set sent_at = null where sent_at is not null";

    private const string SelectUnsent = """
        select seq, message_id, run_id, round, destination, type, body, created_at
        from outbox where sent_at is null and seq > @after order by seq limit @limit
        """;

    private const string SelectReturned = """
        select seq, message_id, run_id, round, destination, type, body, created_at
        from outbox where sent_at is null and seq in @seqs order by seq
        """;

    private const string MarkSent = "update outbox set sent_at = @now where seq in @seqs";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await bus.WaitForHealthStatus(BusHealthStatus.Healthy, stoppingToken);
            if (options.Value.Transport == Transport.Memory)
            {
                // The in-memory bus forgets what it carried when the process ends: whatever belongs to a round that is not final goes out again.
                await database.WriteAsync(transaction => transaction.Execute(ClearSent), stoppingToken);
            }

            while (!stoppingToken.IsCancellationRequested)
            {
                await SendWhatWaitsAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is not sent yet is sent after the next start.
        }
    }

    private async Task SendWhatWaitsAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (!await SendNextAsync(stoppingToken))
            {
                await database.OutboxWritten.WaitAsync(Poll, stoppingToken);
            }

            if (time.GetElapsedTime(_returnedSentAt) >= Poll)
            {
                _returnedSentAt = time.GetTimestamp();
                await SendReturnedAsync(stoppingToken);
            }
        }
        catch (Exception e) when (SqliteFaults.IsTransient(e))
        {
            LogUnreadable(database.Name, e.Message);
            await Task.Delay(Poll, time, stoppingToken);
        }
    }

    private async Task<bool> SendNextAsync(CancellationToken stoppingToken)
    {
        var rows = database.Read(transaction => transaction.Query<OutboxRow>(SelectUnsent, new { after = _cursor, limit = LargestBatch }));
        if (rows.Count == 0)
        {
            return false;
        }

        await SendPatientlyAsync(rows, stoppingToken);
        _cursor = rows[^1].Seq;
        return true;
    }

    private async Task SendReturnedAsync(CancellationToken stoppingToken)
    {
        // All of them, not the first few again and again: those may be for a client that stays away.
        foreach (var seqs in _returned.Chunk(LargestBatch).ToList())
        {
            var rows = database.Read(transaction => transaction.Query<OutboxRow>(SelectReturned, new { seqs }));
            _returned.ExceptWith(seqs);
            await SendPatientlyAsync(rows, stoppingToken);
        }
    }

    private async Task SendPatientlyAsync(IReadOnlyList<OutboxRow> rows, CancellationToken stoppingToken)
    {
        var backOff = TimeSpan.FromMilliseconds(50);
        while (rows.Count > 0)
        {
            var outcomes = await Task.WhenAll(rows.Select(row => SendAsync(row, stoppingToken)));
            var sent = rows.Where((_, i) => outcomes[i] == Outcome.Sent).Select(row => row.Seq).ToArray();
            if (sent.Length > 0)
            {
                // Nobody waits for this commit: were it lost, the messages would be sent twice and dropped by the inbox.
                _ = database.WriteUnsyncedAsync(transaction => transaction.Execute(MarkSent, new { now = transaction.Now, seqs = sent }), CancellationToken.None);
            }

            _returned.UnionWith(rows.Where((_, i) => outcomes[i] == Outcome.Returned).Select(row => row.Seq));
            rows = rows.Where((_, i) => outcomes[i] == Outcome.Failed).ToList();
            if (rows.Count > 0)
            {
                await Task.Delay(backOff, time, stoppingToken);
                backOff = backOff * 2 < LongestSend ? backOff * 2 : LongestSend;
            }
        }
    }

    private async Task<Outcome> SendAsync(OutboxRow row, CancellationToken stoppingToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        patience.CancelAfter(LongestSend);
        try
        {
            var (message, type) = row.Decode();
            if (row.Destination is null)
            {
                await bus.Publish(message, type, context => context.MessageId = row.MessageId, patience.Token);
            }
            else
            {
                var endpoint = await bus.GetSendEndpoint(new Uri($"exchange:{row.Destination}"));
                await endpoint.Send(message, type, Pipe.Execute<SendContext>(context => Address(context, row)), patience.Token);
            }

            return Outcome.Sent;
        }
        catch (MessageReturnedException)
        {
            LogReturned(row.Type, row.Destination, row.MessageId);
            return Outcome.Returned;
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogFailed(row.Type, row.MessageId, e.Message);
            return Outcome.Failed;
        }
    }

    private static void Address(SendContext context, OutboxRow row)
    {
        context.MessageId = row.MessageId;
        if (context is RabbitMqSendContext rabbit)
        {
            // Without it the broker drops a message for a service that has never been started.
            rabbit.Mandatory = true;
        }
    }

    [LoggerMessage(LogLevel.Warning, "No queue took {type} for {destination} (message {messageId}): it is sent again every second.")]
    private partial void LogReturned(string type, string? destination, Guid messageId);

    [LoggerMessage(LogLevel.Warning, "The outbox of the {database} database cannot be read: {fault} Trying again.")]
    private partial void LogUnreadable(string database, string fault);

    [LoggerMessage(LogLevel.Warning, "Could not send {type} (message {messageId}): {fault} Trying again.")]
    private partial void LogFailed(string type, Guid messageId, string fault);

    private enum Outcome
    {
        Sent,
        Returned,
        Failed,
    }
}
