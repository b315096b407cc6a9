using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Aggregator.Consumers;

public sealed class CreateModelConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs) : IConsumer<CreateModel>
{
    public Task Consume(ConsumeContext<CreateModel> context)
    {
        var (runId, spec) = (context.Message.RunId, context.Message.Run);
        try
        {
            var run = runs.Load(spec);
            var weights = run.Model.InitialWeights(spec.Seed);
            var staged = blobs.Models.Stage(SafetensorsWriter.Write(run.Model.Layout, weights));
            blobs.Models.Publish(staged);
            runs.Remember(runId, staged.Ref.Sha256, weights);
            return database.ConsumeAsync(context, transaction =>
            {
                if (ModelStore.FindSpec(transaction, runId) is null)
                {
                    ModelStore.Create(transaction, runId, spec, staged.Ref);
                    transaction.Send(new ModelPublished { RunId = runId, Version = 0, Model = staged.Ref, ParameterCount = run.Model.ParameterCount, Receipt = null });
                }
            });
        }
        catch (Exception e) when (e is RunRefusedException or DataException)
        {
            return database.ConsumeAsync(context, transaction => transaction.Send(new ModelRefused { RunId = runId, Reason = e.Message }));
        }
    }
}

public sealed class RunCompletedConsumer(AggregatorDatabase database, RunModels runs) : IConsumer<RunCompleted>
{
    public Task Consume(ConsumeContext<RunCompleted> context) => database.ConsumeAsync(context, transaction =>
    {
        transaction.ForgetSent(context.Message.RunId, round: null);
        transaction.OnCommitted(() => runs.Forget(context.Message.RunId));
    });
}

public sealed class ClientLeftConsumer(UpdateCollection updates) : IConsumer<ClientLeft>
{
    public Task Consume(ConsumeContext<ClientLeft> context)
    {
        updates.ClientLeft(context.Message.ClientId);
        return Task.CompletedTask;
    }
}
