using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class TrainingAcceptedConsumer(RoundTransactions rounds) : IConsumer<TrainingAccepted>
{
    public Task Consume(ConsumeContext<TrainingAccepted> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class LeaseRenewedConsumer(RoundTransactions rounds) : IConsumer<LeaseRenewed>
{
    public Task Consume(ConsumeContext<LeaseRenewed> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class TrainingRefusedConsumer(RoundTransactions rounds) : IConsumer<TrainingRefused>
{
    public Task Consume(ConsumeContext<TrainingRefused> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class TrainingInterruptedConsumer(RoundTransactions rounds) : IConsumer<TrainingInterrupted>
{
    public Task Consume(ConsumeContext<TrainingInterrupted> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}
