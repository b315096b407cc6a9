using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class ModelPublishedConsumer(RoundTransactions rounds) : IConsumer<ModelPublished>
{
    public Task Consume(ConsumeContext<ModelPublished> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class ModelRefusedConsumer(RoundTransactions rounds) : IConsumer<ModelRefused>
{
    public Task Consume(ConsumeContext<ModelRefused> context) => rounds.ConsumeAsync(context, (coordinator, message) => coordinator.On(message));
}

public sealed class EvaluationSubmittedConsumer(OrchestratorDatabase database, RoundTransactions rounds, ProgressSignals progress) : IConsumer<EvaluationSubmitted>
{
    public Task Consume(ConsumeContext<EvaluationSubmitted> context) => database.ConsumeAsync(context, transaction =>
    {
        if (EvaluationStore.Answer(transaction, context.Message))
        {
            rounds.In(transaction).Continue(context.Message.RunId);
            transaction.OnCommitted(() => progress.Changed(context.Message.RunId));
        }
    });
}
