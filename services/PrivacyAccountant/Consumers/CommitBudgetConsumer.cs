using FlEvents.Contracts;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class CommitBudgetConsumer(LedgerTransactions ledger, ILogger<CommitBudgetConsumer> log) : IConsumer<CommitBudget>
{
    public async Task Consume(ConsumeContext<CommitBudget> context)
    {
        var message = context.Message;
        BudgetMessages.Check(message);
        var decision = await ledger.ApplyAsync(context, transaction => Ledger.On(LedgerStore.Load(transaction, message), message, transaction.Now));
        if (decision?.State.Commit is { } commit)
        {
            LogCommitted(message.RunId, message.Round, commit.Committed, commit.Receipt.Sequence);
        }
    }

    [LoggerMessage(LogLevel.Information, "Run {runId}, round {round}: {committed} reservations are final; the receipt names entry {sequence}.")]
    private partial void LogCommitted(Guid runId, int round, int committed, long sequence);
}
