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
    TaskStore store, Slots slots, ModelCache models, ClientData data, ClientRoster roster, TrainingThreads threads, Patience patience, ClientWorkerMetrics metrics, TimeProvider time,
    ILogger<EvaluateModelConsumer> log)
    : IConsumer<EvaluateModel>
{
    public async Task Consume(ConsumeContext<EvaluateModel> context)
    {
        var command = context.Message;
        var obstacle = await ObstacleAsync(command) ?? await ForbiddenAsync(context);
        if (obstacle is null)
        {
            using var slot = await slots.TakeAsync(context.CancellationToken);
            obstacle = await ObstacleAsync(command) ?? await ForbiddenAsync(context) ?? await AnswerAsync(context);
        }

        if (obstacle is not null)
        {
            LogDropped(command.RunId, command.Version, command.ClientId, obstacle);
        }
    }

    private async Task<string?> ObstacleAsync(EvaluateModel command) =>
        time.GetUtcNow() >= command.DeadlineAt ? $"The deadline {command.DeadlineAt:O} has passed."
        : roster.IndexOf(command.ClientId) is null ? "The client is not served here."
        : data.Obstacle(command.Data) is { } obstacle ? obstacle.Detail
        : await store.HasEvaluatedAsync(command) ? "It was answered before."
        : null;

    /// <returns>What the owner says against it, noted in the books; null where nothing.</returns>
    private async Task<string?> ForbiddenAsync(ConsumeContext<EvaluateModel> context)
    {
        if (await store.VetoAsync(context.Message) is not { Rule: { } rule } veto)
        {
            return null;
        }

        if (await store.RefuseAsync(context, rule))
        {
            metrics.Refused(rule);
        }

        return veto.Detail;
    }

    /// <returns>Why there is no answer; null when there is.</returns>
    private async Task<string?> AnswerAsync(ConsumeContext<EvaluateModel> context)
    {
        EvaluationSubmitted answer;
        try
        {
            var errand = Errand.Of(context.Message);
            answer = await patience.RunAsync("evaluation", errand, token => EvaluateAsync(context.Message, token), context.CancellationToken);
        }
        catch (Exception e) when (!context.CancellationToken.IsCancellationRequested)
        {
            return e.Message;
        }

        if (!double.IsFinite(answer.LossSum) || !double.IsFinite(answer.AbsoluteErrorSum ?? 0))
        {
            return $"The loss is {answer.LossSum}; expected a finite number.";
        }

        await store.AnswerAsync(context, answer);
        return null;
    }

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
            LossSum = result.LossSum,
            CorrectCount = result.CorrectCount,
            AbsoluteErrorSum = result.AbsoluteErrorSum,
        };
    }

    [LoggerMessage(LogLevel.Warning, "Run {runId}, version {version}, client {clientId}: the evaluation is dropped. {reason}")]
    private partial void LogDropped(Guid runId, int version, string clientId, string reason);
}
