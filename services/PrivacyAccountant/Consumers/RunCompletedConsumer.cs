using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

/// <summary>A run's end frees the outbox of its answers; its ledger entries stay for ever.</summary>
public sealed class RunCompletedConsumer(LedgerStore ledger) : IConsumer<RunCompleted>
{
    public Task Consume(ConsumeContext<RunCompleted> context) =>
        ledger.Database.ConsumeAsync(context, transaction => transaction.ForgetSent(context.Message.RunId, round: null));
}
