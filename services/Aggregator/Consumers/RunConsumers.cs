using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Aggregator.Consumers;

public sealed class CreateModelConsumer(AggregatorDatabase database, RunModels runs, BlobStores blobs, Patience patience) : IConsumer<CreateModel>
{
    public async Task Consume(ConsumeContext<CreateModel> context)
    {
        var (runId, spec) = (context.Message.RunId, context.Message.Run);
        try
        {
            var (model, parameterCount) = await patience.RunAsync($"draw the weights of run {runId}", () => Draw(runId, spec), context.CancellationToken);
            await database.ConsumeAsync(context, transaction =>
            {
                if (ModelStore.FindSpec(transaction, runId) is null)
                {
                    ModelStore.Create(transaction, runId, spec, model);
                    transaction.Send(new ModelPublished { RunId = runId, Version = 0, Model = model, ParameterCount = parameterCount, Receipt = null });
                }
            });
        }
        catch (Exception e) when (e is RunRefusedException or DataException)
        {
            await database.ConsumeAsync(context, transaction => transaction.Send(new ModelRefused { RunId = runId, Reason = e.Message }));
        }
    }

    // The same weights each time it is tried. The held-out data is read here so that a run it does not fit is refused before it starts.
    private (BlobRef Model, int ParameterCount) Draw(Guid runId, RunSpec spec)
    {
        var run = RunModels.Build(spec);
        runs.HeldOut(runId, run);
        var weights = run.Model.InitialWeights(spec.Seed);
        var staged = blobs.Models.Stage(SafetensorsWriter.Write(run.Model.Layout, weights));
        blobs.Models.Publish(staged);
        runs.Remember(runId, staged.Ref.Sha256, weights);
        return (staged.Ref, run.Model.ParameterCount);
    }
}

public sealed class RunCompletedConsumer(AggregatorDatabase database, RunModels runs, UpdateCollection updates) : IConsumer<RunCompleted>
{
    public Task Consume(ConsumeContext<RunCompleted> context) => database.ConsumeAsync(context, transaction =>
    {
        var closed = RestoredBooks.CloseRun(transaction, context.Message.RunId);
        transaction.ForgetSent(context.Message.RunId, round: null);
        transaction.OnCommitted(() =>
        {
            runs.Forget(context.Message.RunId);
            closed.ToList().ForEach(updates.RoundEnded);
        });
    });
}

public sealed class ClientLeftConsumer(AggregatorDatabase database, UpdateCollection updates) : IConsumer<ClientLeft>
{
    public Task Consume(ConsumeContext<ClientLeft> context) => database.ConsumeAsync(context, transaction =>
    {
        BookStore.MarkLeft(transaction, context.Message.ClientId);
        transaction.OnCommitted(updates.ClientLeft);
    });
}
