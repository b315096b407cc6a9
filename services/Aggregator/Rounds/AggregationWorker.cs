using System.Threading.Channels;
using FlEvents.Aggregator.Storage;
using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Evaluation;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.Aggregator.Rounds;

/// <summary>
/// Combines frozen books, one after the other, away from the threads that take messages. A crash before the book names its model leaves a file
/// that nobody was shown: it is deleted and the round combined again.
/// </summary>
public sealed partial class AggregationWorker(
    AggregatorDatabase database, AggregatorOptions options, BlobStores blobs, RunModels runs, AggregatorMetrics metrics, Patience patience, INoiseSource noise,
    TimeProvider time,
    ILogger<AggregationWorker> log)
    : BackgroundService
{
    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(1);
    private readonly Channel<Guid> _frozen = Channel.CreateUnbounded<Guid>();

    /// <summary>A book was frozen.</summary>
    public void Enqueue(Guid roundId) => _frozen.Writer.TryWrite(roundId);

    // Before anything answers: what a crash left of a model that no book names is gone.
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        DeleteLeftovers();
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            foreach (var book in await patience.RunAsync("look for frozen books", () => database.Read(transaction => BookStore.InState(transaction, BookState.Frozen)), stoppingToken))
            {
                Enqueue(book.RoundId);
            }

            await foreach (var roundId in _frozen.Reader.ReadAllAsync(stoppingToken))
            {
                await CombineOrQueueAgainAsync(roundId, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Books that are still frozen are found again after the next start.
        }
    }

    // A round that can't be combined now, for whatever reason, keeps no other one from it and does not end the service.
    private async Task CombineOrQueueAgainAsync(Guid roundId, CancellationToken stoppingToken)
    {
        try
        {
            await Task.Factory.StartNew(() => CombineAsync(roundId, stoppingToken), stoppingToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogFault(e, roundId, PauseAfterFault);
            await Task.Delay(PauseAfterFault, time, stoppingToken);
            Enqueue(roundId);
        }
    }

    private async Task CombineAsync(Guid roundId, CancellationToken stoppingToken)
    {
        if (database.Read(transaction => BookStore.Find(transaction, roundId)) is not { State: BookState.Frozen } book || runs.Find(book.RunId) is not { } run)
        {
            return;
        }

        var started = time.GetTimestamp();
        var manifest = database.Read(transaction => BookStore.Manifest(transaction, book));
        var updates = manifest.Select(entry => new WeightedUpdate(WeightedUpdate.WeightOf(entry.Member.Weight!.Value, entry.RoundsLate), Reader(entry.Member, run.Model.Layout))).ToList();
        var threads = options.Threads == 0 ? Environment.ProcessorCount : options.Threads;
        var clipNorm = database.Read(transaction => BookStore.NextClipNorm(transaction, book.RunId, book.Round));
        var (weights, norms) = NextModel.Combine(run, book.Round, clipNorm, runs.Weights(book.RunId, run.Model, book.BaseModel), updates, noise, threads);
        var evaluation = Evaluate(run, book, weights, stoppingToken);
        var staged = blobs.Unreleased.Stage(SafetensorsWriter.Write(run.Model.Layout, weights));
        blobs.Unreleased.Publish(staged);
        runs.Remember(book.RunId, staged.Ref.Sha256, weights);
        await database.WriteAsync(
            transaction => Bookkeeping.OnCombined(new BookTables(transaction, runs), roundId, staged.Ref, evaluation, norms), stoppingToken);
        metrics.Combined(time.GetElapsedTime(started), manifest.Count);
    }

    private UpdateSliceReader Reader(BookMember member, ModelLayout layout) => (from, values) =>
    {
        if (!blobs.Updates.Contains(member.UpdateSha256!))
        {
            throw new BlobException($"Update {member.UpdateSha256} of {member.ClientId} is not in the store.");
        }

        using var file = blobs.Updates.OpenRead(member.UpdateSha256!);
        SafetensorsHeader.Read(file, file.Length).ReadSlice(file, layout, from, values);
    };

    /// <summary>Scores a global model on the run's held-out data, when the run wants it after this round.</summary>
    /// <returns>Null also when a score is not finite, as after a diverged training: no message can carry it.</returns>
    private ModelEvaluation? Evaluate(RunModel run, Book book, float[] weights, CancellationToken cancellationToken)
    {
        var isDue = book.Round % run.Spec.Evaluation.EveryRounds == 0 || book.Round == run.Spec.Rounds;
        if (!isDue || runs.HeldOut(book.RunId, run) is not { Count: > 0 } examples)
        {
            return null;
        }

        var result = Evaluator.Evaluate(run.Model, weights, examples, run.Spec.Training.Loss, run.Spec.Data.Label?.Scale ?? 1, cancellationToken);
        var (loss, error) = (result.LossSum / result.Count, result.AbsoluteErrorSum / result.Count);
        if (!double.IsFinite(loss) || !double.IsFinite(error ?? 0))
        {
            LogNotFinite(book.RunId, book.Round, loss);
            return null;
        }

        return new ModelEvaluation
        {
            ExampleCount = result.Count,
            Loss = loss,
            Accuracy = result.CorrectCount / (double?)result.Count,
            PerClassAccuracy = result.CorrectCount is null ? null : result.Classes.Select(score => score.Count == 0 ? null : score.CorrectCount / (double?)score.Count).ToList(),
            Auc = result.Auc,
            MeanAbsoluteError = error,
        };
    }

    private void DeleteLeftovers()
    {
        var named = database.Read(transaction => BookStore.InState(transaction, BookState.Aggregated)).Select(book => book.Result!.Sha256).ToHashSet(StringComparer.Ordinal);
        foreach (var name in blobs.Unreleased.Names().Where(name => !named.Contains(name)).ToList())
        {
            blobs.Unreleased.Delete(name);
        }
    }

    [LoggerMessage(LogLevel.Error, "Could not combine round {roundId}. Trying again in {pause}.")]
    private partial void LogFault(Exception fault, Guid roundId, TimeSpan pause);

    [LoggerMessage(LogLevel.Warning, "Run {runId}, round {round}: the model's loss on the held-out data is {loss}; the round is reported without scores.")]
    private partial void LogNotFinite(Guid runId, int round, double loss);
}
