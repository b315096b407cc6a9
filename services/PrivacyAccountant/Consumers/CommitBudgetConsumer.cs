using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class CommitBudgetConsumer(LedgerStore ledger, PrivacyAccountantMetrics metrics, ILogger<CommitBudgetConsumer> log)
    : IConsumer<CommitBudget>
{
    public async Task Consume(ConsumeContext<CommitBudget> context)
    {
        var message = context.Message;
        BudgetMessages.Check(message);
        LedgerDecision? decision = null;
        await ledger.Database.ConsumeAsync(context, transaction =>
        {
            decision = Ledger.On(LedgerStore.Load(transaction, message), message, transaction.Now);
            LedgerStore.Save(transaction, decision);
            transaction.SendAll(decision.Messages);
        });
        metrics.Record(decision);
        if (decision?.State.Commit is { } commit)
        {
            LogCommitted(message.RunId, message.Round, commit.Committed, commit.Receipt.Sequence);
        }
    }

    [LoggerMessage(LogLevel.Information, "Run {runId}, round {round}: {committed} reservations are final; the receipt names entry {sequence}.")]
    private partial void LogCommitted(Guid runId, int round, int committed, long sequence);
}
