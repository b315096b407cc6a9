using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class ChargeOutputConsumer(LedgerStore ledger, PrivacyAccountantMetrics metrics, ILogger<ChargeOutputConsumer> log)
    : IConsumer<ChargeOutput>
{
    public async Task Consume(ConsumeContext<ChargeOutput> context)
    {
        var message = context.Message;
        BudgetMessages.Check(message);
        LedgerDecision? decision = null;
        await ledger.Database.ConsumeAsync(context, transaction =>
        {
            decision = Ledger.On(LedgerStore.Load(transaction, message), message, transaction.Now);
            LedgerStore.Save(transaction, decision);
        });
        metrics.Record(decision);
        if (decision is { Entries.Count: > 0 })
        {
            LogCharged(message.RunId, message.Round, message.ClientId, message.UpdateSha256);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Run {runId}, round {round}: {clientId} sent a second, different update, {sha256}: it is charged again.")]
    private partial void LogCharged(Guid runId, int round, string clientId, string sha256);
}
