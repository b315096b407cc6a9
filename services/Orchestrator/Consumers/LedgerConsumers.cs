using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class BudgetReservedConsumer(OrchestratorDatabase database, RoundTransactions rounds) : IConsumer<BudgetReserved>
{
    public Task Consume(ConsumeContext<BudgetReserved> context) => database.ConsumeAsync(context, transaction =>
    {
        EventLog.Append(transaction, context.Message);
        BudgetRequestStore.Answered(transaction, context.Message);
        rounds.In(transaction).On(context.Message);
    });
}

public sealed class BudgetRefusedConsumer(RoundTransactions rounds) : IConsumer<BudgetRefused>
{
    public Task Consume(ConsumeContext<BudgetRefused> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}
