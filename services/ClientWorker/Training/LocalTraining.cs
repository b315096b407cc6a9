using FlEvents.ClientWorker.Data;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Models;
using FlEvents.Learning.Private;
using FlEvents.Learning.Randomness;
using FlEvents.Learning.Safetensors;
using FlEvents.Learning.Training;

namespace FlEvents.ClientWorker.Training;

/// <summary>Trains one client in one round: model and data in, the update's bytes out. The same command gives the same bytes on every worker.</summary>
public sealed class LocalTraining(
    ModelCache models, ClientData data, ITrainingEngine engine, INoiseSource noise, TrainingThreads threads, Patience patience, TimeProvider time)
{
    /// <exception cref="TrainingFailedException">The data, the model or its layout are not what the command says.</exception>
    /// <exception cref="TimeoutException">The deadline passed before training was done.</exception>
    public async Task<LocalUpdate> TrainAsync(TrainClient command, CancellationToken cancellationToken)
    {
        var errand = Errand.Of(command);
        var errors = Model.Check(command.Model);
        if (errors.Count > 0)
        {
            var all = string.Join(" ", errors.Select(error => $"{error.Path}: {error.Message}"));
            throw new TrainingFailedException($"The model can't be built. {all}");
        }

        var model = Model.Create(command.Model);
        var weights = await ReadBaseModelAsync(command, errand, model, cancellationToken);
        var examples = await patience.RunAsync(
            "read of the data set", errand, token => data.OfAsync(command.ClientId, command.Data, command.Model, command.Training.Loss, token), cancellationToken);
        var job = new TrainingJob
        {
            Model = model,
            GlobalWeights = weights,
            Examples = ClientSplit.Training(examples, command.Training, command.Seed, command.ClientId),
            Training = command.Training,
            BatchOrder = SeededRandom.Derive(command.Seed, "batches", command.Round, command.ClientId),
            Private = command.Privacy?.DpSgd is { } task ? DpSgd(task) : null,
        };
        return await patience.RunAsync("training", errand, token => threads.RunAsync(() => Train(job, command, token)), cancellationToken);
    }

    private PrivateTraining DpSgd(DpSgdTask task) => new()
    {
        SamplingRate = task.SamplingProbability,
        Steps = task.Steps <= int.MaxValue ? (int)task.Steps : throw new TrainingFailedException($"{task.Steps} private steps; expected at most {int.MaxValue}."),
        ClipNorm = task.ClipNorm,
        NoiseMultiplier = task.NoiseMultiplier,
        DeclaredExamples = task.DeclaredExamples,
        DrawBatch = noise.PoissonSample,
        FillNoise = noise.Gaussian,
    };

    private async Task<float[]> ReadBaseModelAsync(TrainClient command, Errand errand, Model model, CancellationToken cancellationToken)
    {
        try
        {
            return await patience.RunAsync("read of the base model", errand, token => models.ReadAsync(command.BaseModel, model, token), cancellationToken);
        }
        catch (SafetensorsException e)
        {
            throw new TrainingFailedException($"Base model {command.BaseModel.Sha256} is not the run's model. {e.Message}");
        }
    }

    private LocalUpdate Train(TrainingJob job, TrainClient command, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var result = engine.Train(job, cancellationToken);
        if (command.Privacy is { } privacy)
        {
            Protect(result.Update, privacy);
            return new LocalUpdate
            {
                Bytes = SafetensorsWriter.Write(job.Model.Layout, result.Update),
                ExampleCount = privacy is { ClipNorm: null, DpSgd: { } dpSgd } ? dpSgd.DeclaredExamples : null,
                Loss = null,
                Duration = null,
            };
        }

        return new LocalUpdate
        {
            Bytes = SafetensorsWriter.Write(job.Model.Layout, result.Update),
            ExampleCount = job.Examples.GroupByUnit()?.Count ?? job.Examples.Count,
            Loss = result.MeanLoss is { } loss && double.IsFinite(loss) ? loss : null,
            Duration = time.GetElapsedTime(start),
        };
    }

    /// <summary>Clips and noises a whole update in place, as the task says.</summary>
    private void Protect(Span<float> update, TaskPrivacy privacy)
    {
        // That training diverged depends on the data and may not show: such an update counts as none.
        if (update.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
        {
            update.Clear();
        }

        switch (privacy)
        {
            case { ClipNorm: { } clipNorm, NoiseMultiplier: { } noiseMultiplier }:
                UpdateNoise.Release(update, clipNorm, noiseMultiplier, noise);
                break;
            case { ClipNorm: { } clipNorm }:
                Clipping.ClipL2(update, clipNorm);
                break;
        }
    }
}

/// <summary>A finished update.</summary>
public sealed record LocalUpdate
{
    /// <summary>w_local − w_global as safetensors.</summary>
    public required byte[] Bytes { get; init; }

    /// <summary>
    /// Training examples n_k, after the split for validation: rows, or privacy units where these have a column. Those declared under DP-SGD, null where the
    /// privacy mode forbids a count.
    /// </summary>
    public required int? ExampleCount { get; init; }

    /// <summary>Mean loss over the last local epoch; null when training diverged, and in a private run.</summary>
    public required double? Loss { get; init; }

    /// <summary>Null in a private run, whose durations are not told.</summary>
    public required TimeSpan? Duration { get; init; }
}

/// <summary>A task can't be trained. The message names what is wrong and may leave this machine: it quotes no data.</summary>
public sealed class TrainingFailedException(string message) : Exception(message);
