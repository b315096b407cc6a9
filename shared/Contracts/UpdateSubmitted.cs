namespace FlEvents.Contracts;

/// <summary>Public event: a client finished local training; its update is in the update store, which the Aggregator alone can read.</summary>
public record UpdateSubmitted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int Attempt { get; init; }
    public required int LeaseNumber { get; init; }
    public required string LeaseToken { get; init; }
    public required string BaseModelSha256 { get; init; }

    /// <summary>w_local − w_global as safetensors, with the tensor names and shapes of the global model.</summary>
    public required BlobRef Update { get; init; }

    /// <summary>Training examples n_k, at least 1 and at most those declared at enrolment; null where the privacy mode forbids it.</summary>
    public required int? ExampleCount { get; init; }

    /// <summary>Mean loss over the last local epoch; null in a private run.</summary>
    public required double? TrainingLoss { get; init; }

    /// <summary>Time spent in training, in seconds; null in a private run.</summary>
    public required double? TrainingSeconds { get; init; }

    /// <summary>Null where the client has no key.</summary>
    public UpdateSignature? Signature { get; init; }
}
