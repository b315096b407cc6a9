using FlEvents.ClientWorker.Data;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.Learning.Evaluation;
using FlEvents.Learning.Models;
using MassTransit;

namespace FlEvents.ClientWorker.Consumers;

/// <summary>
/// Scores a global model on a client's validation examples, in a slot and on a training thread, and answers with counts and sums. Short, so the
/// command is acknowledged when it is answered. What can't be answered is dropped: the evaluation goes on without this client at its deadline.
/// </summary>
public sealed partial class EvaluateModelConsumer(
    TaskStore store, Slots slots, ModelCache models, ClientData data, ClientRoster roster, TrainingThreads threads, TimeProvider time, ILogger<EvaluateModelConsumer> log)
    : IConsumer<EvaluateModel>
{
    public async Task Consume(ConsumeContext<EvaluateModel> context)
    {
        var command = context.Message;
        if (Obstacle(command) is { } known)
        {
            LogDropped(command.RunId, command.Version, command.ClientId, known);
            return;
        }

        using var slot = await slots.TakeAsync(context.CancellationToken);
        EvaluationSubmitted answer;
        try
        {
            answer = Obstacle(command) is { } late ? throw new TimeoutException(late) : await EvaluateAsync(command, context.CancellationToken);
        }
        catch (Exception e) when (!context.CancellationToken.IsCancellationRequested)
        {
            LogDropped(command.RunId, command.Version, command.ClientId, e.Message);
            return;
        }

        await store.AnswerAsync(context, answer);
    }

    private string? Obstacle(EvaluateModel command) =>
        time.GetUtcNow() >= command.DeadlineAt ? $"the deadline {command.DeadlineAt:O} has passed"
        : roster.IndexOf(command.ClientId) is null ? "the client is not served here"
        : !data.Has(command.Data.DataSet) ? $"there is no data set \"{command.Data.DataSet}\""
        : store.HasEvaluated(command) ? "it was answered before"
        : null;

    private async Task<EvaluationSubmitted> EvaluateAsync(EvaluateModel command, CancellationToken cancellationToken)
    {
        var model = Model.Create(command.Spec);
        var weights = await models.ReadAsync(command.Model, model, cancellationToken);
        var all = await data.OfAsync(command.ClientId, command.Data, command.Spec, command.Training.Loss, cancellationToken);
        var examples = ClientSplit.Validation(all, command.Training, command.Seed, command.ClientId);
        var targetScale = command.Data.Label?.Scale ?? 1;
        var result = await threads.RunAsync(() => Evaluator.Evaluate(model, weights, examples, command.Training.Loss, targetScale, cancellationToken));
        return new EvaluationSubmitted
        {
            RunId = command.RunId,
            Version = command.Version,
            ClientId = command.ClientId,
            ExampleCount = result.Count,
            LossSum = double.IsFinite(result.LossSum) ? result.LossSum : throw new NotFiniteNumberException($"The loss is {result.LossSum}; expected a finite number."),
            CorrectCount = result.CorrectCount,
            AbsoluteErrorSum = result.AbsoluteErrorSum,
        };
    }

    [LoggerMessage(LogLevel.Warning, "Run {runId}, version {version}, client {clientId}: the evaluation is dropped. {reason}")]
    private partial void LogDropped(Guid runId, int version, string clientId, string reason);
}
