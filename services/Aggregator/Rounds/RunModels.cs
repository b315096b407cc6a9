using System.Collections.Concurrent;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.Learning.Data;
using FlEvents.Learning.Models;
using FlEvents.Learning.Safetensors;
using FlEvents.ServiceDefaults.Blobs;

namespace FlEvents.Aggregator.Rounds;

/// <summary>A run as the Aggregator needs it: its architecture and its held-out data.</summary>
/// <param name="HeldOut">Null when the run names no evaluation data set.</param>
public record RunModel(RunSpec Spec, Model Model, Examples? HeldOut);

/// <summary>Runs in memory: architecture, held-out data and newest weights, read again from disk after a restart.</summary>
public sealed class RunModels(AggregatorDatabase database, AggregatorOptions options, BlobStores blobs)
{
    private readonly ConcurrentDictionary<Guid, Lazy<RunModel>> _runs = new();
    private readonly ConcurrentDictionary<Guid, (string Sha256, float[] Weights)> _newest = new();

    /// <summary>The run, or null when this service has not been told of it.</summary>
    public RunModel? Find(Guid runId)
    {
        if (_runs.TryGetValue(runId, out var known))
        {
            return known.Value;
        }

        return database.Read(transaction => ModelStore.FindSpec(transaction, runId)) is { } spec
            ? _runs.GetOrAdd(runId, _ => new Lazy<RunModel>(() => Load(spec))).Value
            : null;
    }

    /// <summary>Builds the architecture and reads the held-out data.</summary>
    /// <exception cref="DataException">The held-out data can't be read, or does not fit the model.</exception>
    /// <exception cref="RunRefusedException">The run asks for something this service does not have.</exception>
    public RunModel Load(RunSpec spec)
    {
        if (Model.Check(spec.Model) is [var error, ..])
        {
            throw new RunRefusedException($"model.{error.Path}: {error.Message}");
        }

        var model = Model.Create(spec.Model);
        if (spec.Evaluation.DataSet is not { } name)
        {
            return new RunModel(spec, model, HeldOut: null);
        }

        if (!options.DataSets.TryGetValue(name, out var source))
        {
            var known = options.DataSets.Count == 0 ? "it has none" : $"it has {string.Join(", ", options.DataSets.Keys.Order(StringComparer.Ordinal))}";
            throw new RunRefusedException($"The Aggregator has no data set \"{name}\" for evaluation; {known}.");
        }

        return new RunModel(spec, model, DataSetReader.Read(source, spec.Data with { DataSet = name }, spec.Model.InputShape, spec.Model.Outputs));
    }

    /// <summary>Weights of a released model, shape [P].</summary>
    /// <exception cref="BlobException">The blob is missing or not what its name says.</exception>
    public float[] Weights(Guid runId, Model model, BlobRef blob)
    {
        if (_newest.TryGetValue(runId, out var newest) && newest.Sha256 == blob.Sha256)
        {
            return newest.Weights;
        }

        using var bytes = new MemoryStream(blobs.Models.Read(blob, options.LargestBlobBytes));
        return SafetensorsHeader.Read(bytes, bytes.Length).ReadWeights(bytes, model.Layout);
    }

    /// <summary>Keeps weights that the next round will start from.</summary>
    public void Remember(Guid runId, string sha256, float[] weights) => _newest[runId] = (sha256, weights);

    public void Forget(Guid runId)
    {
        _runs.TryRemove(runId, out _);
        _newest.TryRemove(runId, out _);
    }
}

/// <summary>The Aggregator can't serve a run. The message names the value and what was expected.</summary>
public sealed class RunRefusedException(string message) : Exception(message);
