using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

/// <summary>Tells a ledger that may have lost entries what it has charged since, a page an answer.</summary>
public sealed class ReconcileLedgerConsumer(OrchestratorDatabase database) : IConsumer<ReconcileLedger>
{
    public Task Consume(ConsumeContext<ReconcileLedger> context) => database.ConsumeAsync(context, transaction =>
    {
        var message = context.Message;
        if (message.Cursor == 0)
        {
            BudgetRequestStore.BeginAgain(transaction, message.Quarantine);
            AskAgain(transaction, message.Since);
        }

        var page = BudgetRequestStore.Next(transaction, message.Cursor, message.AfterSequence);
        transaction.Send(new LedgerReport
        {
            Quarantine = message.Quarantine,
            Service = database.Name,
            NextCursor = page?.Position,
            KnownSince = Restoration.KnownSince(transaction),
            RunId = page?.Request.RunId,
            RoundId = page?.Request.RoundId,
            Round = page?.Request.Round,
            Attempt = page?.Request.Attempt,
            Clients = page?.Request.Clients ?? [],
            Receipts = page?.Receipts.Where(receipt => receipt.Sequence > message.AfterSequence).ToList() ?? [],
        });
    });

    // What the ledger was asked, and may have lost with its answer. It waits there until the quarantine ends, and changes nothing that is known.
    private static void AskAgain(Transaction transaction, DateTimeOffset since)
    {
        transaction.SendAll(BudgetRequestStore.Unanswered(transaction).Select(request => BudgetRequestStore.Prove(transaction, request)));
        transaction.SendAll(RoundStore.EndedSince(transaction, since).Select(round => BudgetRequestStore.Prove(transaction, new CommitBudget
        {
            RunId = round.RunId,
            RoundId = round.RoundId,
            Round = round.Number,
            ModelSha256 = round.Model?.Sha256,
        })));
    }
}

/// <summary>An Aggregator that was restored may have forgotten the rounds that are open: they are given up, and their runs go on with the next.</summary>
public sealed class ServiceRestoredConsumer(OrchestratorDatabase database, RoundTransactions rounds) : IConsumer<ServiceRestored>
{
    private const string Aggregator = "aggregator";

    public Task Consume(ConsumeContext<ServiceRestored> context) => database.ConsumeAsync(context, transaction =>
    {
        if (context.Message.Service != Aggregator)
        {
            return;
        }

        var coordinator = rounds.In(transaction);
        foreach (var run in RunStore.Active(transaction))
        {
            // It may not know the run either; where it does this changes nothing.
            transaction.Send(new CreateModel { RunId = run.RunId, Run = run.Spec });
            if (RoundStore.FindOpen(transaction, run.RunId) is { } round && round.State != RoundState.Planned)
            {
                coordinator.GiveUp(
                    round.RoundId, "AGGREGATOR_RESTORED", $"The Aggregator was restored from a backup of {context.Message.TakenAt:yyyy-MM-dd HH:mm:ss} UTC.");
            }
        }
    });
}
