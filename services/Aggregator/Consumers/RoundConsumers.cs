using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Aggregator.Consumers;

public sealed class OpenRoundConsumer(AggregatorDatabase database) : IConsumer<OpenRound>
{
    public Task Consume(ConsumeContext<OpenRound> context) => database.ConsumeAsync(context, transaction =>
    {
        var message = context.Message;
        var book = BookStore.Find(transaction, message.RoundId) ?? new Book
        {
            RoundId = message.RoundId,
            RunId = message.RunId,
            Round = message.Round,
            State = BookState.Open,
            BaseModel = message.BaseModel,
            CohortSize = message.CohortSize,
        };
        book = book with { CohortSize = Math.Max(book.CohortSize, message.CohortSize) };
        BookStore.Save(transaction, book);
        foreach (var member in message.Members)
        {
            var known = BookStore.FindMember(transaction, book.RoundId, member.ClientId);
            (book, var changed) = BookProtocol.OnMember(book, known, member);
            if (changed != known)
            {
                BookStore.SaveMember(transaction, changed);
            }
        }

        BookStore.Save(transaction, book);
        BookStore.ReplayEarly(transaction, book.RoundId);
        transaction.ForgetSent(message.RunId, message.Round - 1);
    });
}

public sealed class UpdateSubmittedConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs, AggregatorMetrics metrics) : IConsumer<UpdateSubmitted>
{
    public Task Consume(ConsumeContext<UpdateSubmitted> context)
    {
        var message = context.Message;
        var defect = Inspect(message);
        return database.ConsumeAsync(context, transaction =>
        {
            if (BookStore.Find(transaction, message.RoundId) is not { } book)
            {
                BookStore.KeepEarly(transaction, message.RoundId, message);
                return;
            }

            var member = BookStore.FindMember(transaction, message.RoundId, message.ClientId);
            var decision = BookProtocol.OnSubmitted(book, member, message, defect);
            if (decision.Keep)
            {
                BookStore.KeepEarly(transaction, message.RoundId, message);
            }

            if (decision.Book != book)
            {
                BookStore.Save(transaction, decision.Book);
            }

            if (decision.Member is { } changed && changed != member)
            {
                BookStore.SaveMember(transaction, changed);
            }

            transaction.SendAll(decision.Messages);
            transaction.OnCommitted(() => Count(decision));
        });
    }

    // Before the transaction, because it reads the whole blob; the verdict depends on nothing that can change.
    private BlobDefect? Inspect(UpdateSubmitted message)
    {
        if (runs.Find(message.RunId) is not { } run || !BlobFolderName(message))
        {
            return new BlobDefect(RejectionCode.BlobMismatch, $"\"{message.Update.Sha256}\" of run {message.RunId} is not an update this service can look at.");
        }

        var received = database.Read(transaction => UploadStore.OfReservation(transaction, message.ReservationId)).Any(upload => upload.Sha256 == message.Update.Sha256);
        using var file = received && blobs.Updates.Contains(message.Update.Sha256) ? blobs.Updates.OpenRead(message.Update.Sha256) : null;
        return UpdateInspection.Inspect(file, message.Update, run.Model.Layout);
    }

    private static bool BlobFolderName(UpdateSubmitted message) => ServiceDefaults.Blobs.BlobFolder.IsName(message.Update.Sha256);

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

public sealed class AggregateRoundConsumer(AggregatorDatabase database, AggregationWorker worker, UpdateCollection updates) : IConsumer<AggregateRound>
{
    public Task Consume(ConsumeContext<AggregateRound> context) => database.ConsumeAsync(context, transaction =>
    {
        var message = context.Message;
        if (BookStore.Find(transaction, message.RoundId) is not { } book)
        {
            BookStore.KeepEarly(transaction, message.RoundId, message);
            return;
        }

        var decision = BookProtocol.OnAggregate(book, message);
        if (decision.Keep)
        {
            BookStore.KeepEarly(transaction, message.RoundId, message);
        }

        if (decision.Book == book)
        {
            return;
        }

        BookStore.Save(transaction, decision.Book);
        transaction.SendAll(decision.Messages);
        transaction.OnCommitted(() =>
        {
            if (decision.Book.State == BookState.Frozen)
            {
                worker.Enqueue(book.RoundId);
            }
            else
            {
                updates.RoundEnded(book.RoundId);
            }
        });
    });
}

public sealed class BudgetCommittedConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs, UpdateCollection updates) : IConsumer<BudgetCommitted>
{
    public Task Consume(ConsumeContext<BudgetCommitted> context)
    {
        var message = context.Message;
        if (database.Read(transaction => BookStore.Find(transaction, message.RoundId)) is not { State: BookState.Aggregated } book || runs.Find(book.RunId) is not { } run)
        {
            return Task.CompletedTask;
        }

        // The receipt is here and the book names the model: from now on it may be read, whether or not this process lives to say so.
        if (blobs.Unreleased.Contains(book.Result!.Sha256))
        {
            blobs.Unreleased.MoveTo(blobs.Models, book.Result.Sha256);
        }

        return database.ConsumeAsync(context, transaction =>
        {
            var decision = BookProtocol.OnCommitted(BookStore.Find(transaction, message.RoundId)!, message, run.Model.ParameterCount);
            if (decision.Book.State == BookState.Released && decision.Messages.Count > 0)
            {
                BookStore.Save(transaction, decision.Book);
                ModelStore.Release(transaction, book.RunId, book.Round, book.Result);
                transaction.SendAll(decision.Messages);
                if (run.Spec.KeepUpdates == KeepUpdates.None)
                {
                    transaction.OnCommitted(() => updates.RoundEnded(book.RoundId));
                }
            }
        });
    }
}

public sealed class RoundAbandonedConsumer(AggregatorDatabase database, UpdateCollection updates) : IConsumer<RoundAbandoned>
{
    public Task Consume(ConsumeContext<RoundAbandoned> context) => database.ConsumeAsync(context, transaction =>
    {
        if (BookStore.Find(transaction, context.Message.RoundId) is { } book && BookProtocol.OnAbandoned(book) is var decision && decision.Book != book)
        {
            BookStore.Save(transaction, decision.Book);
            transaction.OnCommitted(() => updates.RoundEnded(book.RoundId));
        }
    });
}
