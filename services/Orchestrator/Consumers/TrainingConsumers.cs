using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class TrainingAcceptedConsumer(RoundCoordinator rounds) : IConsumer<TrainingAccepted>
{
    public Task Consume(ConsumeContext<TrainingAccepted> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, context.Message.ClientId, (round, member, now) =>
            RoundProtocol.OnLease(round, member, context.Message.LeaseNumber, now.Lease, now.Now));
}

public sealed class LeaseRenewedConsumer(RoundCoordinator rounds) : IConsumer<LeaseRenewed>
{
    public Task Consume(ConsumeContext<LeaseRenewed> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, context.Message.ClientId, (round, member, now) =>
            RoundProtocol.OnLease(round, member, context.Message.LeaseNumber, now.Lease, now.Now));
}

public sealed class TrainingRefusedConsumer(RoundCoordinator rounds) : IConsumer<TrainingRefused>
{
    public Task Consume(ConsumeContext<TrainingRefused> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, context.Message.ClientId, (round, member, _) =>
            RoundProtocol.OnTrainingRefused(round, member, context.Message));
}

public sealed class TrainingInterruptedConsumer(RoundCoordinator rounds) : IConsumer<TrainingInterrupted>
{
    public Task Consume(ConsumeContext<TrainingInterrupted> context) => rounds.ApplyAsync(
        context, context.Message.RoundId, context.Message.ClientId, (round, member, now) =>
            RoundProtocol.OnTrainingInterrupted(round, member, context.Message, now));
}
