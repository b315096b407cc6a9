using FlEvents.ServiceDefaults.Metrics;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>A message's effect, once: whatever it decides commits together with the note that it was received.</summary>
public static class ConsumeOnce
{
    /// <summary>Runs <paramref name="decide"/> in a transaction unless the message was received before.</summary>
    /// <param name="decide">May run again after a fault of the disk: touches nothing but the transaction.</param>
    /// <exception cref="InvalidOperationException">The message has no id, so that a duplicate could not be told.</exception>
    public static Task ConsumeAsync<T>(this Database database, ConsumeContext<T> context, Action<Transaction> decide)
        where T : class
    {
        var messageId = context.MessageId ?? throw new InvalidOperationException($"{typeof(T).Name} has no messageId: a duplicate could not be told.");
        var endpoint = context.ReceiveContext.InputAddress.Segments[^1];
        return database.WriteAsync(
            transaction =>
            {
                var isFirst = transaction.TryReceive(endpoint, messageId);
                if (isFirst)
                {
                    decide(transaction);
                }

                transaction.OnCommitted(() => ReceivedMessages.Count(database, messageId, isFirst, transaction.Now));
            },
            context.CancellationToken,
            typeof(T).Name);
    }
}
