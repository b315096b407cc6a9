using System.Text.Json;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.Aggregator.Consumers;

public sealed class OpenRoundConsumer(AggregatorDatabase database, RunModels runs) : IConsumer<OpenRound>
{
    public Task Consume(ConsumeContext<OpenRound> context) =>
        database.ConsumeAsync(context, transaction => Bookkeeping.On(new BookTables(transaction, runs), context.Message));
}

public sealed class UpdateSubmittedConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs, AggregatorMetrics metrics, Patience patience)
    : IConsumer<UpdateSubmitted>
{
    public async Task Consume(ConsumeContext<UpdateSubmitted> context)
    {
        var message = context.Message;
        var defect = await patience.RunAsync($"read the update of {message.ClientId}", () => Inspect(message), context.CancellationToken);
        await database.ConsumeAsync(context, transaction =>
        {
            if (Bookkeeping.On(new BookTables(transaction, runs), message, defect) is { } decision)
            {
                if (decision.Member is not { State: BookMemberState.Late })
                {
                    PutAside(transaction, context, decision);
                }

                transaction.OnCommitted(() => Count(decision));
            }
        });
    }

    // Before the transaction, because it reads the whole blob. What it finds does not change: a blob is there before it is announced, until its
    // round is final, and the protocol rejects a message that names another run than its round's.
    private BlobDefect? Inspect(UpdateSubmitted message)
    {
        if (runs.Find(message.RunId) is not { } run || !BlobFolder.IsName(message.Update.Sha256))
        {
            return new BlobDefect(RejectionCode.BlobMismatch, $"\"{message.Update.Sha256}\" of run {message.RunId} is not an update this service can look at.");
        }

        var received = database.Read(transaction => UploadStore.OfReservation(transaction, message.ReservationId)).Any(upload => upload.Sha256 == message.Update.Sha256);
        using var file = received && blobs.Updates.Contains(message.Update.Sha256) ? blobs.Updates.OpenRead(message.Update.Sha256) : null;
        return UpdateInspection.Inspect(file, message.Update, run.Model.Layout, NextModel.LargestNorm(run.Spec.Privacy, run.Model.ParameterCount));
    }

    private static void PutAside(Transaction transaction, ConsumeContext<UpdateSubmitted> context, BookDecision decision)
    {
        foreach (var rejected in decision.Messages.OfType<UpdateRejected>())
        {
            var body = JsonSerializer.Serialize(context.Message, JsonSerializerOptions.Web);
            QuarantineStore.Add(transaction, Routes.Aggregator, context.MessageId!.Value, nameof(UpdateSubmitted), body, rejected.ReasonCode, rejected.Detail);
        }
    }

    private void Count(BookDecision decision)
    {
        foreach (var message in decision.Messages)
        {
            if (message is UpdateRejected rejected)
            {
                metrics.Rejected(rejected.ReasonCode);
            }
            else
            {
                metrics.Admitted();
            }
        }
    }
}

public sealed class AggregateRoundConsumer(AggregatorDatabase database, RunModels runs, AggregationWorker worker, UpdateCollection updates)
    : IConsumer<AggregateRound>
{
    public Task Consume(ConsumeContext<AggregateRound> context) => database.ConsumeAsync(context, transaction =>
    {
        if (Bookkeeping.On(new BookTables(transaction, runs), context.Message) is { Book: var book })
        {
            transaction.OnCommitted(() =>
            {
                if (book.State == BookState.Frozen)
                {
                    worker.Enqueue(book.RoundId);
                }
                else
                {
                    updates.RoundEnded(book.RoundId);
                }
            });
        }
    });
}

public sealed class BudgetCommittedConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs, UpdateCollection updates, Patience patience)
    : IConsumer<BudgetCommitted>
{
    public async Task Consume(ConsumeContext<BudgetCommitted> context)
    {
        var message = context.Message;
        if (await patience.RunAsync($"open the model of round {message.RoundId}", () => MakeReadable(message), context.CancellationToken) is not { } run)
        {
            return;
        }

        await database.ConsumeAsync(context, transaction =>
        {
            if (Bookkeeping.On(new BookTables(transaction, runs), message, run.Model.ParameterCount) is { Book: var book })
            {
                transaction.OnCommitted(() =>
                {
                    updates.RoundEnded(message.RoundId);
                    if (book.State == BookState.Abandoned)
                    {
                        blobs.Unreleased.Delete(book.Result!.Sha256);
                    }
                });
            }
        });
    }

    // The receipt is here and the book names the model: from now on it may be read, whether or not this process lives to say so.
    private RunModel? MakeReadable(BudgetCommitted message)
    {
        if (database.Read(transaction => BookStore.Find(transaction, message.RoundId)) is not { State: BookState.Aggregated, Result: { } result } book)
        {
            return null;
        }

        if (BookProtocol.IsCleared(book, message) && blobs.Unreleased.Contains(result.Sha256))
        {
            blobs.Unreleased.MoveTo(blobs.Models, result.Sha256);
        }

        return runs.Find(book.RunId);
    }
}

public sealed class RoundAbandonedConsumer(AggregatorDatabase database, RunModels runs, UpdateCollection updates) : IConsumer<RoundAbandoned>
{
    public Task Consume(ConsumeContext<RoundAbandoned> context) => database.ConsumeAsync(context, transaction =>
    {
        if (Bookkeeping.On(new BookTables(transaction, runs), context.Message) is not null)
        {
            transaction.OnCommitted(() => updates.RoundEnded(context.Message.RoundId));
        }
    });
}
