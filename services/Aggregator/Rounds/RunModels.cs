using System.Collections.Concurrent;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Losses;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.Aggregator.Rounds;

/// <summary>A run as the Aggregator needs it.</summary>
public record RunModel(RunSpec Spec, Model Model);

/// <summary>Runs in memory: architecture, held-out data and newest weights, read again from disk after a restart.</summary>
public sealed class RunModels(AggregatorDatabase database, AggregatorOptions options, BlobStores blobs)
{
    // 64 million parameters: a run of a larger model reads it anew for each round, which costs little beside what else is done with it.
    private const long LargestNewest = 256L << 20;

    private readonly ConcurrentDictionary<Guid, RunModel> _runs = new();
    private readonly ConcurrentDictionary<Guid, Examples> _heldOut = new();
    private readonly NewestWeights _newest = new(LargestNewest);

    /// <summary>Bytes of the newest weights, which are kept up to a bound.</summary>
    public long NewestBytes => _newest.Bytes;

    /// <summary>The run, or null when this service has not been told of it.</summary>
    public RunModel? Find(Guid runId)
    {
        if (_runs.TryGetValue(runId, out var known))
        {
            return known;
        }

        return database.Read(transaction => ModelStore.FindSpec(transaction, runId)) is { } spec ? _runs.GetOrAdd(runId, _ => Build(spec)) : null;
    }

    /// <summary>Builds the architecture.</summary>
    /// <exception cref="RunRefusedException">The run asks for a model that can't be built or scored.</exception>
    public static RunModel Build(RunSpec spec)
    {
        if (Model.Check(spec.Model) is [var error, ..])
        {
            throw new RunRefusedException($"model.{error.Path}: {error.Message}");
        }

        return Loss.Mismatch(spec.Training.Loss, spec.Model.Outputs) is { } mismatch
            ? throw new RunRefusedException(mismatch)
            : new RunModel(spec, Model.Create(spec.Model));
    }

    /// <summary>The examples that score a run's global models; null when the run names no evaluation data set.</summary>
    /// <remarks>Apart from the architecture: updates are admitted also while these can't be read.</remarks>
    /// <exception cref="DataException">They can't be read, or do not fit the model.</exception>
    /// <exception cref="RunRefusedException">This service does not have the data set.</exception>
    public Examples? HeldOut(Guid runId, RunModel run)
    {
        if (run.Spec.Evaluation.DataSet is not { } name)
        {
            return null;
        }

        if (_heldOut.TryGetValue(runId, out var known))
        {
            return known;
        }

        if (!options.DataSets.TryGetValue(name, out var source))
        {
            var others = options.DataSets.Count == 0 ? "it has none" : $"it has {string.Join(", ", options.DataSets.Keys.Order(StringComparer.Ordinal))}";
            throw new RunRefusedException($"The Aggregator has no data set \"{name}\" for evaluation; {others}.");
        }

        var examples = DataSetReader.Read(source, run.Spec.Data with { DataSet = name }, run.Spec.Model.InputShape, ClassesOf(run.Spec));
        return _heldOut.GetOrAdd(runId, examples);
    }

    /// <summary>Weights of a released model, shape [P].</summary>
    /// <exception cref="BlobException">The blob is missing or not what its name says.</exception>
    public float[] Weights(Guid runId, Model model, BlobRef blob)
    {
        if (_newest.Find(runId, blob.Sha256) is { } newest)
        {
            return newest;
        }

        using var bytes = new MemoryStream(blobs.Models.Read(blob, options.LargestBlobBytes));
        return SafetensorsHeader.Read(bytes, bytes.Length).ReadWeights(bytes, model.Layout);
    }

    /// <summary>Keeps weights that the next round will start from.</summary>
    public void Remember(Guid runId, string sha256, float[] weights) => _newest.Remember(runId, sha256, weights);

    public void Forget(Guid runId)
    {
        _runs.TryRemove(runId, out _);
        _heldOut.TryRemove(runId, out _);
        _newest.Forget(runId);
    }

    /// <summary>Classes a label may have; null where it is a number.</summary>
    private static int? ClassesOf(RunSpec spec) => spec.Training.Loss switch
    {
        LossKind.CrossEntropy => spec.Model.Outputs,
        LossKind.BinaryCrossEntropy => 2,
        _ => null,
    };
}

/// <summary>The Aggregator can't serve a run. The message names the value and what was expected.</summary>
public sealed class RunRefusedException(string message) : Exception(message);
