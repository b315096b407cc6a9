using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.Aggregator.Consumers;

/// <summary>Tells a ledger that may have lost entries which receipts it gave since, and asks again for what it may have lost.</summary>
public sealed class ReconcileLedgerConsumer(AggregatorDatabase database) : IConsumer<ReconcileLedger>
{
    public Task Consume(ConsumeContext<ReconcileLedger> context) => database.ConsumeAsync(context, transaction =>
    {
        var message = context.Message;
        if (message.Cursor == 0)
        {
            // They wait there until the quarantine ends, and change nothing that is known.
            transaction.SendAll(BookStore.InState(transaction, BookState.Aggregated).Select(book => BookProtocol.CommitOf(book, BookStore.CountTasks(transaction, book.RoundId))));
            transaction.SendAll(ReceiptStore.FurtherOutputs(transaction));
        }

        var (receipts, next) = ReceiptStore.Next(transaction, message.Cursor, message.AfterSequence);
        transaction.Send(new LedgerReport
        {
            Quarantine = message.Quarantine,
            Service = database.Name,
            NextCursor = next,
            KnownSince = Restoration.KnownSince(transaction),
            RunId = null,
            RoundId = null,
            Round = null,
            Attempt = null,
            Clients = [],
            Receipts = receipts,
        });
    });
}
