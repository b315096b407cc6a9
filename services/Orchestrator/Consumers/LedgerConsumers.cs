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
    public Task Consume(ConsumeContext<BudgetRefused> context)
    {
        var refusals = context.Message.Refused.ToDictionary(refusal => refusal.ClientId);
        return rounds.ApplyAsync(
            context, context.Message.RoundId, [.. refusals.Keys], (round, member, _) => RoundProtocol.OnBudgetRefused(round, member, refusals[member.ClientId]));
    }
}
