using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class ModelPublishedConsumer(OrchestratorDatabase database, RoundCoordinator rounds) : IConsumer<ModelPublished>
{
    public Task Consume(ConsumeContext<ModelPublished> context) => database.ConsumeAsync(context, transaction =>
    {
        // The initial weights start a run; a round's model comes with RoundAggregated.
        if (RunStore.Find(transaction, context.Message.RunId) is { } run && RunProtocol.OnModelPublished(run, context.Message) is var decision && decision.Run != run)
        {
            RunStore.Update(transaction, decision.Run);
            rounds.Continue(transaction, run.RunId);
        }
    });
}

public sealed class ModelRefusedConsumer(OrchestratorDatabase database, ProgressSignals progress) : IConsumer<ModelRefused>
{
    public Task Consume(ConsumeContext<ModelRefused> context) => database.ConsumeAsync(context, transaction =>
    {
        if (RunStore.Find(transaction, context.Message.RunId) is { } run && RunProtocol.OnModelRefused(run, context.Message) is var decision && decision.Run != run)
        {
            RunStore.Update(transaction, decision.Run with { EndedAt = transaction.Now });
            transaction.SendAll(decision.Messages);
            transaction.OnCommitted(() => progress.Changed(run.RunId));
        }
    });
}

public sealed class EvaluationSubmittedConsumer(OrchestratorDatabase database, RoundCoordinator rounds, ProgressSignals progress) : IConsumer<EvaluationSubmitted>
{
    public Task Consume(ConsumeContext<EvaluationSubmitted> context) => database.ConsumeAsync(context, transaction =>
    {
        if (EvaluationStore.Answer(transaction, context.Message))
        {
            rounds.Continue(transaction, context.Message.RunId);
            transaction.OnCommitted(() => progress.Changed(context.Message.RunId));
        }
    });
}
