namespace FlEvents.Contracts;

/// <summary>Command to a worker: train one client in one round. Sent to the client's own exchange or its pool's.</summary>
public record TrainClient
{
    public required Guid RunId { get; init; }

    /// <summary>Name of the run, by which a data's owner may know it: told by the server, proved by nothing.</summary>
    public required string RunName { get; init; }

    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int Attempt { get; init; }
    public required int LeaseNumber { get; init; }

    /// <summary>Opens the upload of this task and of no other (<see cref="Contracts.LeaseToken"/>).</summary>
    public required string LeaseToken { get; init; }

    /// <summary>How long an accepted task may go without <see cref="LeaseRenewed"/>.</summary>
    public required TimeSpan Lease { get; init; }

    /// <summary>A task taken later is refused with <c>EXPIRED</c>.</summary>
    public required DateTimeOffset DeadlineAt { get; init; }

    public required BlobRef BaseModel { get; init; }

    /// <summary>How the update is to be combined with others: told by the server, proved by nothing.</summary>
    public required StrategyName Strategy { get; init; }

    public required ModelSpec Model { get; init; }
    public required DataSpec Data { get; init; }
    public required TrainingSpec Training { get; init; }

    /// <summary>The run's seed, from which non-private batches derive.</summary>
    public required long Seed { get; init; }

    /// <summary>What the client is charged for this task.</summary>
    public required IReadOnlyList<PrivacyCharge> Charges { get; init; }

    /// <summary>What the worker clips and noises; null in a run without privacy.</summary>
    public required TaskPrivacy? Privacy { get; init; }
}

/// <summary>A task's share of a run's privacy.</summary>
public record TaskPrivacy
{
    /// <summary>DP-SGD in place of plain training; null without.</summary>
    public required DpSgdTask? DpSgd { get; init; }

    /// <summary>Largest ℓ2 norm C of the whole update; null where it is not clipped.</summary>
    public required double? ClipNorm { get; init; }

    /// <summary>z of the noise the worker adds to the clipped update, σ = zC; null where it adds none.</summary>
    public required double? NoiseMultiplier { get; init; }
}

/// <summary>DP-SGD as the server planned it: exactly so many Poisson steps, whatever the data.</summary>
public record DpSgdTask
{
    /// <summary>q, in (0, 1].</summary>
    public required double SamplingProbability { get; init; }

    /// <summary>S, empty samples included.</summary>
    public required long Steps { get; init; }

    /// <summary>Largest ℓ2 norm C of one example's gradient; of a privacy unit's, where the data names a column for them.</summary>
    public required double ClipNorm { get; init; }

    /// <summary>z = σ/C.</summary>
    public required double NoiseMultiplier { get; init; }

    /// <summary>n, the examples declared at enrolment: the noised sum is divided by q·n.</summary>
    public required int DeclaredExamples { get; init; }
}
