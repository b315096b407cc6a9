using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class UpdateAdmittedConsumer(RoundTransactions rounds) : IConsumer<UpdateAdmitted>
{
    public Task Consume(ConsumeContext<UpdateAdmitted> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class UpdateRejectedConsumer(RoundTransactions rounds) : IConsumer<UpdateRejected>
{
    public Task Consume(ConsumeContext<UpdateRejected> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class RoundAggregatedConsumer(RoundTransactions rounds) : IConsumer<RoundAggregated>
{
    public Task Consume(ConsumeContext<RoundAggregated> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class RoundAbandonedConsumer(RoundTransactions rounds) : IConsumer<RoundAbandoned>
{
    public Task Consume(ConsumeContext<RoundAbandoned> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}
