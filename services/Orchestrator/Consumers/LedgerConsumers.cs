using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class BudgetReservedConsumer(RoundCoordinator rounds) : IConsumer<BudgetReserved>
{
    public Task Consume(ConsumeContext<BudgetReserved> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, context.Message.ClientIds, (round, member, _) => RoundProtocol.OnReserved(round, member));
}

public sealed class BudgetRefusedConsumer(RoundCoordinator rounds) : IConsumer<BudgetRefused>
{
    public Task Consume(ConsumeContext<BudgetRefused> context) => rounds.RefuseAsync(context);
}
