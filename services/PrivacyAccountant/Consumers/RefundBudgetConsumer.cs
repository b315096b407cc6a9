using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class RefundBudgetConsumer(LedgerStore ledger, PrivacyAccountantMetrics metrics, ILogger<RefundBudgetConsumer> log)
    : IConsumer<RefundBudget>
{
    public async Task Consume(ConsumeContext<RefundBudget> context)
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
        if (decision is { Entries.Count: 0 })
        {
            LogNotRefunded(message.RunId, message.Round, message.ClientId, message.ReservationId);
        }
    }

    [LoggerMessage(LogLevel.Information, "Run {runId}, round {round}: nothing to refund for {clientId}: {reservationId} is final, or there is none.")]
    private partial void LogNotRefunded(Guid runId, int round, string clientId, Guid reservationId);
}
