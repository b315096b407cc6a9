using System.Text.Json;
using FlEvents.ServiceDefaults.Faults;
using FlEvents.ServiceDefaults.Metrics;
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
    private static readonly TimeSpan LongestUnmarked = TimeSpan.FromMilliseconds(20);
    private readonly SortedSet<long> _returned = [];
    private readonly List<long> _unmarked = [];
    private long _cursor;
    private long _returnedSentAt;
    private long _unmarkedSince;

    private const string ClearSent = "update outbox set sent_at = null where sent_at is not null";

    private const string SelectUnsent = """
        select seq, message_id, run_id, round, destination, type, body, created_at, trace_parent
        from outbox where sent_at is null and seq > @after order by seq limit @limit
        """;

    private const string SelectReturned = """
        select seq, message_id, run_id, round, destination, type, body, created_at, trace_parent
        from outbox where sent_at is null and seq in (select value from json_each(@seqs)) order by seq
        """;

    private const string MarkSent = "update outbox set sent_at = @now where seq in (select value from json_each(@seqs))";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await bus.WaitForHealthStatus(BusHealthStatus.Healthy, stoppingToken);
            if (options.Value.Transport == Transport.Memory)
            {
                // The in-memory bus forgets what it carried when the process ends: whatever belongs to a round that is not final goes out again.
                await database.WriteAsync(transaction => transaction.Execute(ClearSent), stoppingToken, "ClearSent");
            }

            var mayWait = false;
            while (!stoppingToken.IsCancellationRequested)
            {
                mayWait = await SendWhatWaitsAsync(mayWait, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is not sent yet is sent after the next start.
        }
        finally
        {
            MarkSentOnes();
        }
    }

    /// <param name="mayWait">Nothing was left when it looked last: it looks again after the next commit, or after a while.</param>
    /// <returns>Whether nothing is left.</returns>
    private async Task<bool> SendWhatWaitsAsync(bool mayWait, CancellationToken stoppingToken)
    {
        try
        {
            if (mayWait)
            {
                await database.OutboxWritten.WaitAsync(_unmarked.Count > 0 ? LongestUnmarked : Poll, stoppingToken);
            }

            if (_unmarked.Count > 0 && time.GetElapsedTime(_unmarkedSince) >= LongestUnmarked)
            {
                MarkSentOnes();
            }

            var rows = database.Read(transaction => transaction.Query<OutboxRow>(SelectUnsent, new { after = _cursor, limit = LargestBatch }));
            if (rows.Count > 0)
            {
                await SendPatientlyAsync(rows, stoppingToken);
                _cursor = rows[^1].Seq;
            }

            if (time.GetElapsedTime(_returnedSentAt) >= Poll)
            {
                _returnedSentAt = time.GetTimestamp();
                await SendReturnedAsync(stoppingToken);
            }

            return rows.Count < LargestBatch;
        }
        catch (Exception e) when (SqliteFaults.IsTransient(e))
        {
            LogUnreadable(database.Name, e.Message);
            await Task.Delay(Poll, time, stoppingToken);
            return false;
        }
    }

    private async Task SendReturnedAsync(CancellationToken stoppingToken)
    {
        // All of them, not the first few again and again: those may be for a client that stays away.
        foreach (var seqs in _returned.Chunk(LargestBatch).ToList())
        {
            var rows = database.Read(transaction => transaction.Query<OutboxRow>(SelectReturned, new { seqs = JsonSerializer.Serialize(seqs) }));
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
            _unmarkedSince = _unmarked.Count == 0 ? time.GetTimestamp() : _unmarkedSince;
            _unmarked.AddRange(rows.Where((_, i) => outcomes[i] == Outcome.Sent).Select(row => row.Seq));
            if (_unmarked.Count >= LargestBatch)
            {
                MarkSentOnes();
            }

            _returned.UnionWith(rows.Where((_, i) => outcomes[i] == Outcome.Returned).Select(row => row.Seq));
            rows = rows.Where((_, i) => outcomes[i] == Outcome.Failed).ToList();
            if (rows.Count > 0)
            {
                await Task.Delay(backOff, time, stoppingToken);
                backOff = backOff * 2 < BoundedSend.Longest ? backOff * 2 : BoundedSend.Longest;
            }
        }
    }

    // Many at once, and nobody waits for the commit: were it lost, the messages would be sent twice and dropped by the inbox.
    private void MarkSentOnes()
    {
        foreach (var sent in _unmarked.Chunk(LargestBatch))
        {
            _ = database.WriteUnsyncedAsync(transaction => transaction.Execute(MarkSent, new { now = transaction.Now, seqs = JsonSerializer.Serialize(sent) }), CancellationToken.None);
        }

        _unmarked.Clear();
    }

    private async Task<Outcome> SendAsync(OutboxRow row, CancellationToken stoppingToken)
    {
        try
        {
            var (message, type) = row.Decode();
            using var trace = RoundTrace.Continue(row.TraceParent, $"{row.Type} outbox");
            CrashPoint.Pass(database.Name, "publish.before", database.FilePath, row.Type);
            await BoundedSend.RunAsync(token => HandOverAsync(row, message, type, token), time, stoppingToken);
            CrashPoint.Pass(database.Name, "publish.after", database.FilePath, row.Type);
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

    private async Task HandOverAsync(OutboxRow row, object message, Type type, CancellationToken cancellationToken)
    {
        if (row.Destination is null)
        {
            await bus.Publish(message, type, context => context.MessageId = row.MessageId, cancellationToken);
        }
        else
        {
            var endpoint = await bus.GetSendEndpoint(new Uri($"exchange:{ExchangeOf(type, row.Destination)}"));
            await endpoint.Send(message, type, Pipe.Execute<SendContext>(context => Address(context, row)), cancellationToken);
        }
    }

    // What a service sends to itself comes by its queue's own exchange, to which nobody else may write.
    private string ExchangeOf(Type type, string destination) =>
        options.Value.Transport == Transport.Memory || Routes.IsServedBy(destination, database.Name) ? destination : Routes.ExchangeOf(type, destination);

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
