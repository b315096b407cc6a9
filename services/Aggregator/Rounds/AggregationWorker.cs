using System.Threading.Channels;
using FlEvents.Aggregator.Storage;
using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.Learning.Evaluation;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Rounds;

/// <summary>
/// Combines frozen books, one after the other, away from the threads that take messages. A crash before the book names its model leaves a file
/// that nobody was shown: it is deleted and the round combined again.
/// </summary>
public sealed partial class AggregationWorker(
    AggregatorDatabase database, AggregatorOptions options, BlobStores blobs, RunModels runs, AggregatorMetrics metrics, TimeProvider time, ILogger<AggregationWorker> log)
    : BackgroundService
{
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(5);
    private readonly Channel<Guid> _frozen = Channel.CreateUnbounded<Guid>();

    /// <summary>A book was frozen.</summary>
    public void Enqueue(Guid roundId) => _frozen.Writer.TryWrite(roundId);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        DeleteLeftovers();
        foreach (var book in database.Read(transaction => BookStore.InState(transaction, BookState.Frozen)))
        {
            Enqueue(book.RoundId);
        }

        try
        {
            await foreach (var roundId in _frozen.Reader.ReadAllAsync(stoppingToken))
            {
                await CombinePatientlyAsync(roundId, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Books that are still frozen are found again after the next start.
        }
    }

    private async Task CombinePatientlyAsync(Guid roundId, CancellationToken stoppingToken)
    {
        var backOff = TimeSpan.FromMilliseconds(100);
        while (true)
        {
            try
            {
                await Task.Factory.StartNew(() => CombineAsync(roundId, stoppingToken), stoppingToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
                return;
            }
            catch (Exception e) when (SqliteFaults.IsTransient(e) || e is BlobException)
            {
                LogFault(roundId, e.Message, backOff);
                await Task.Delay(backOff, time, stoppingToken);
                backOff = backOff * 2 < LongestBackOff ? backOff * 2 : LongestBackOff;
            }
        }
    }

    private async Task CombineAsync(Guid roundId, CancellationToken stoppingToken)
    {
        var (book, manifest) = database.Read(transaction => (BookStore.Find(transaction, roundId), BookStore.Manifest(transaction, roundId)));
        if (book is not { State: BookState.Frozen } || runs.Find(book.RunId) is not { } run)
        {
            return;
        }

        var started = time.GetTimestamp();
        var updates = manifest.Select(member => new WeightedUpdate(member.Weight!.Value, Reader(member, run.Model.Layout))).ToList();
        var weights = FedAvg.Combine(runs.Weights(book.RunId, run.Model, book.BaseModel), updates, options.Threads == 0 ? Environment.ProcessorCount : options.Threads);
        var evaluation = Evaluate(run, book.Round, weights, stoppingToken);
        var staged = blobs.Unreleased.Stage(SafetensorsWriter.Write(run.Model.Layout, weights));
        blobs.Unreleased.Publish(staged);
        runs.Remember(book.RunId, staged.Ref.Sha256, weights);
        await database.WriteAsync(
            transaction =>
            {
                var decision = BookProtocol.OnCombined(BookStore.Find(transaction, roundId)!, staged.Ref, evaluation);
                BookStore.Save(transaction, decision.Book);
                transaction.SendAll(decision.Messages);
            },
            stoppingToken);
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
    private static ModelEvaluation? Evaluate(RunModel run, int round, float[] weights, CancellationToken cancellationToken)
    {
        var isDue = round % run.Spec.Evaluation.EveryRounds == 0 || round == run.Spec.Rounds;
        if (run.HeldOut is not { Count: > 0 } examples || !isDue)
        {
            return null;
        }

        var result = Evaluator.Evaluate(run.Model, weights, examples, run.Spec.Training.Loss, run.Spec.Data.Label?.Scale ?? 1, cancellationToken);
        return new ModelEvaluation
        {
            ExampleCount = result.Count,
            Loss = result.LossSum / result.Count,
            Accuracy = result.CorrectCount / (double?)result.Count,
            PerClassAccuracy = result.CorrectCount is null ? null : result.Classes.Select(score => score.Count == 0 ? null : score.CorrectCount / (double?)score.Count).ToList(),
            Auc = result.Auc,
            MeanAbsoluteError = result.AbsoluteErrorSum / result.Count,
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

    [LoggerMessage(LogLevel.Warning, "Could not combine round {roundId}: {fault} Trying again in {backOff}.")]
    private partial void LogFault(Guid roundId, string fault, TimeSpan backOff);
}
