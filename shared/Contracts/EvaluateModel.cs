namespace FlEvents.Contracts;

/// <summary>Command to a worker: score a global model on a client's validation examples.</summary>
public record EvaluateModel
{
    public required Guid RunId { get; init; }

    /// <inheritdoc cref="TrainClient.RunName"/>
    public required string RunName { get; init; }

    /// <summary>Version of the model, i.e. the round that made it.</summary>
    public required int Version { get; init; }

    public required string ClientId { get; init; }
    public required DateTimeOffset DeadlineAt { get; init; }
    public required BlobRef Model { get; init; }
    public required ModelSpec Spec { get; init; }
    public required DataSpec Data { get; init; }
    public required TrainingSpec Training { get; init; }

    /// <summary>The run's seed, from which the split for validation derives.</summary>
    public required long Seed { get; init; }
}
