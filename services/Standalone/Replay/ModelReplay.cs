using System.Security.Cryptography;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Strategies;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;

namespace FlEvents.Standalone.Replay;

/// <summary>
/// Makes a run's models again: the initial one from its seed, and each round's from the one before and the updates that went into it, by the Aggregator's
/// own code. Where the updates were not kept, a round's model is verified by its bytes.
/// </summary>
public sealed class ModelReplay(RunHistory history, ReplayFolder folder, int threads)
{
    private readonly RunSpec _spec = history.Created!.Run;

    /// <summary>Models that were made again.</summary>
    public int Made { get; private set; }

    /// <summary>Updates that they were made of.</summary>
    public int Updates { get; private set; }

    /// <summary>Models whose bytes were compared with the log.</summary>
    public int Compared { get; private set; }

    /// <summary>Whether the rounds' models can be made again.</summary>
    public bool HasUpdates => _spec.KeepUpdates == KeepUpdates.All && !_spec.Privacy.IsPrivate;

    /// <summary>Goes through the models in order.</summary>
    /// <returns>The first that is not what the log says; null when all are.</returns>
    public ReplayFault? FirstFault()
    {
        if (history.Initial is not { } initial)
        {
            return null;
        }

        RunModel run;
        float[] weights;
        try
        {
            run = RunModels.Build(_spec);
            weights = run.Model.InitialWeights(_spec.Seed);
        }
        catch (RunRefusedException e)
        {
            return ReplayFault.At(1, nameof(CreateModel), $"the run's model can't be built: {e.Message}");
        }

        var fault = Check(history.InitialAt, nameof(ModelPublished), initial.Model, run.Model.Layout, weights, $"seed {_spec.Seed} gives");
        foreach (var round in history.AggregatedRounds.TakeWhile(_ => fault is null))
        {
            float[]? next = null;
            fault = HasUpdates ? FaultOfUpdates(round) ?? Combine(run, weights, round, out next) : null;
            fault ??= Check(round.EndedAt, nameof(RoundAggregated), round.Aggregated!.Model, run.Model.Layout, next, $"its {round.Updates.Count} updates make");
            weights = next ?? weights;
        }

        return fault ?? FaultOfLast();
    }

    // The set is combined in client-id order, the order of its sums.
    private ReplayFault? Combine(RunModel run, float[] weights, RoundHistory round, out float[]? next)
    {
        next = null;
        try
        {
            var updates = round.Updates.Values.Select(task => new WeightedUpdate(WeightOf(task.Update!), Reader(task.Update!, run.Model.Layout))).ToList();
            next = NextModel.Combine(run, round.Number, clipNorm: null, weights, updates, new CryptographicNoise(), threads).Weights;
            Updates += updates.Count;
            return null;
        }
        catch (SafetensorsException e)
        {
            return ReplayFault.At(round.EndedAt, nameof(RoundAggregated), $"an update of its round can't be read: {e.Message}");
        }
    }

    private double WeightOf(UpdateAdmitted update) => WeightedUpdate.WeightOf(_spec.HasUniformWeights ? 1 : update.ExampleCount!.Value, update.RoundsLate);

    private UpdateSliceReader Reader(UpdateAdmitted update, ModelLayout layout)
    {
        var path = folder.Update(update.UpdateSha256!)!;
        return (from, values) =>
        {
            var (file, header) = ReplayFolder.Open(path);
            using (file)
            {
                header.ReadSlice(file, layout, from, values);
            }
        };
    }

    private ReplayFault? FaultOfUpdates(RoundHistory round) => round.Updates.Values
        .Select(task => (task, fault: FaultOf(task.Update!)))
        .Where(found => found.fault is not null)
        .OrderBy(found => found.task.UpdateAt)
        .Select(found => ReplayFault.At(found.task.UpdateAt, nameof(UpdateAdmitted), $"the update of {found.task.Update!.ClientId} in round {round.Number}: {found.fault}"))
        .FirstOrDefault();

    private string? FaultOf(UpdateAdmitted update) =>
        update.ExampleCount is not >= 1 && !_spec.HasUniformWeights ? $"{update.ExampleCount?.ToString() ?? "no"} examples are no weight"
        : folder.Update(update.UpdateSha256!) is { } file ? ReplayFolder.FaultOf(file, new BlobRef { Sha256 = update.UpdateSha256!, SizeBytes = update.UpdateSizeBytes })
        : $"{update.UpdateSha256} is not in {folder.Path}";

    /// <param name="weights">The weights as they were made again; null where they can't be.</param>
    /// <param name="made">Begins the sentence of a difference.</param>
    private ReplayFault? Check(long sequence, string type, BlobRef model, ModelLayout layout, float[]? weights, string made)
    {
        if (weights is not null)
        {
            var sha256 = Convert.ToHexStringLower(SHA256.HashData(SafetensorsWriter.Write(layout, weights)));
            if (sha256 != model.Sha256)
            {
                return ReplayFault.At(sequence, type, $"{made} model {sha256}, not {model.Sha256}");
            }

            Made++;
        }

        var file = folder.Model(model.Sha256, isLast: model == history.Model);
        if (file is null)
        {
            return weights is not null ? null : ReplayFault.At(sequence, type, $"model {model.Sha256} is not in {folder.Path}");
        }

        Compared++;
        return ReplayFolder.FaultOf(file, model) is { } fault ? ReplayFault.At(sequence, type, $"its model: {fault}") : null;
    }

    private ReplayFault? FaultOfLast() => File.Exists(folder.Last) && history.Model is { } model && ReplayFolder.FaultOf(folder.Last, model) is { } fault
        ? history.AggregatedRounds.LastOrDefault() is { } round
            ? ReplayFault.At(round.EndedAt, nameof(RoundAggregated), $"its model: {fault}")
            : ReplayFault.At(history.InitialAt, nameof(ModelPublished), $"its model: {fault}")
        : null;
}
