using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Blobs;
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

public sealed class UpdateSubmittedConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs, AggregatorMetrics metrics, Patience patience)
    : IConsumer<UpdateSubmitted>
{
    public async Task Consume(ConsumeContext<UpdateSubmitted> context)
    {
        var message = context.Message;
        var defect = await patience.RunAsync($"read the update of {message.ClientId}", () => Inspect(message), context.CancellationToken);
        await database.ConsumeAsync(context, transaction =>
        {
            if (BookStore.Find(transaction, message.RoundId) is not { } book || runs.Find(book.RunId) is not { } run)
            {
                BookStore.KeepEarly(transaction, message.RoundId, message);
                return;
            }

            var member = BookStore.FindMember(transaction, message.RoundId, message.ClientId);
            var decision = BookProtocol.OnSubmitted(book, member, message, run.Spec, defect);
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

public sealed class BudgetCommittedConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs, UpdateCollection updates, Patience patience)
    : IConsumer<BudgetCommitted>
{
    public async Task Consume(ConsumeContext<BudgetCommitted> context)
    {
        var message = context.Message;
        if (await patience.RunAsync($"open the model of round {message.RoundId}", () => MakeReadable(message.RoundId), context.CancellationToken) is not { } run)
        {
            return;
        }

        await database.ConsumeAsync(context, transaction =>
        {
            var decision = BookProtocol.OnCommitted(BookStore.Find(transaction, message.RoundId)!, message, run.Model.ParameterCount);
            if (decision.Messages.Count > 0)
            {
                BookStore.Save(transaction, decision.Book);
                ModelStore.Release(transaction, decision.Book.RunId, decision.Book.Round, decision.Book.Result!);
                transaction.SendAll(decision.Messages);
                transaction.OnCommitted(() => updates.RoundEnded(message.RoundId));
            }
        });
    }

    // The receipt is here and the book names the model: from now on it may be read, whether or not this process lives to say so.
    private RunModel? MakeReadable(Guid roundId)
    {
        if (database.Read(transaction => BookStore.Find(transaction, roundId)) is not { State: BookState.Aggregated, Result: { } result } book)
        {
            return null;
        }

        if (blobs.Unreleased.Contains(result.Sha256))
        {
            blobs.Unreleased.MoveTo(blobs.Models, result.Sha256);
        }

        return runs.Find(book.RunId);
    }
}

public sealed class RoundAbandonedConsumer(AggregatorDatabase database, UpdateCollection updates) : IConsumer<RoundAbandoned>
{
    public Task Consume(ConsumeContext<RoundAbandoned> context) => database.ConsumeAsync(context, transaction =>
    {
        var message = context.Message;
        if (BookStore.Find(transaction, message.RoundId) is not { } book)
        {
            // It may have overtaken the first page of the book, which would stay open for ever.
            BookStore.KeepEarly(transaction, message.RoundId, message);
            return;
        }

        var decision = BookProtocol.OnAbandoned(book);
        if (decision.Book != book)
        {
            BookStore.Save(transaction, decision.Book);
            transaction.OnCommitted(() => updates.RoundEnded(book.RoundId));
        }
    });
}
