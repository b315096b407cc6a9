using FlEvents.Contracts;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class ReserveBudgetConsumer(LedgerTransactions ledger, LedgerPolicy policy, ILogger<ReserveBudgetConsumer> log) : IConsumer<ReserveBudget>
{
    public async Task Consume(ConsumeContext<ReserveBudget> context)
    {
        var message = context.Message;
        BudgetMessages.Check(message);
        var decision = await ledger.ApplyAsync(context, transaction =>
        {
            transaction.ForgetSent(message.RunId, message.Round);
            ReservationKeys.Save(transaction, message.RunId, message.Round, message.Clients);
            return Ledger.On(LedgerStore.Load(transaction, message), message, policy, transaction.Now);
        });
        foreach (var refusals in (decision?.Messages ?? []).OfType<BudgetRefused>().SelectMany(answer => answer.Refused).GroupBy(refusal => refusal.ReasonCode))
        {
            LogRefused(message.RunId, message.Round, refusals.Count(), refusals.Key, refusals.First().ClientId, refusals.First().Detail);
        }

        if (decision is { Entries.Count: > 0 })
        {
            LogReserved(message.RunId, message.Round, decision.Ledgers.Count, decision.State.Head.Sequence);
        }
    }

    [LoggerMessage(LogLevel.Information, "Run {runId}, round {round}: charged {clients} clients; the ledger's head is {sequence}.")]
    private partial void LogReserved(Guid runId, int round, int clients, long sequence);

    [LoggerMessage(LogLevel.Warning, "Run {runId}, round {round}: {clients} clients are not charged, {reasonCode}. The first, {clientId}: {detail}")]
    private partial void LogRefused(Guid runId, int round, int clients, string reasonCode, string clientId, string detail);
}
