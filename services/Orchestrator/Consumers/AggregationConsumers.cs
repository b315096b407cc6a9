using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class UpdateAdmittedConsumer(RoundCoordinator rounds) : IConsumer<UpdateAdmitted>
{
    public Task Consume(ConsumeContext<UpdateAdmitted> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, context.Message.ClientId, (round, member, _) => RoundProtocol.OnUpdateAdmitted(round, member, context.Message));
}

public sealed class UpdateRejectedConsumer(RoundCoordinator rounds) : IConsumer<UpdateRejected>
{
    public Task Consume(ConsumeContext<UpdateRejected> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, context.Message.ClientId, (round, member, _) => RoundProtocol.OnUpdateRejected(round, member, context.Message));
}

public sealed class RoundAggregatedConsumer(RoundCoordinator rounds) : IConsumer<RoundAggregated>
{
    public Task Consume(ConsumeContext<RoundAggregated> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, (round, now) => RoundProtocol.OnAggregated(round, context.Message, now.Now));
}

public sealed class RoundAbandonedConsumer(RoundCoordinator rounds) : IConsumer<RoundAbandoned>
{
    public Task Consume(ConsumeContext<RoundAbandoned> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, (round, now) => RoundProtocol.OnAbandoned(round, context.Message, now.Now));
}
