using FlEvents.Contracts;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class RefundBudgetConsumer(LedgerTransactions ledger, ILogger<RefundBudgetConsumer> log) : IConsumer<RefundBudget>
{
    public async Task Consume(ConsumeContext<RefundBudget> context)
    {
        var message = context.Message;
        BudgetMessages.Check(message);
        var decision = await ledger.ApplyAsync(context, transaction => Ledger.On(LedgerStore.Load(transaction, message), message, transaction.Now));
        if (decision is { Entries.Count: 0 })
        {
            LogNotRefunded(message.RunId, message.Round, message.ClientId, message.ReservationId);
        }
    }

    [LoggerMessage(LogLevel.Information, "Run {runId}, round {round}: nothing to refund for {clientId}: {reservationId} is final, or there is none.")]
    private partial void LogNotRefunded(Guid runId, int round, string clientId, Guid reservationId);
}
