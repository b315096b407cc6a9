namespace FlEvents.Contracts;

/// <summary>Event: an update is in the round's book and will be aggregated.</summary>
public record UpdateAdmitted
{
    public required Guid RunId { get; init; }
    public required Guid RoundId { get; init; }
    public required int Round { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }

    /// <summary>Rounds since the one that the update was made for: its weight is divided by √(1 + this). 0 but for one that was late.</summary>
    public int RoundsLate { get; init; }

    /// <summary>Size of the update's blob.</summary>
    public required long UpdateSizeBytes { get; init; }

    /// <summary>Hash of the update's blob; null under central, where it would let anyone confirm a guess of the data.</summary>
    public required string? UpdateSha256 { get; init; }

    /// <summary>As in <see cref="UpdateSubmitted"/>.</summary>
    public required int? ExampleCount { get; init; }

    /// <summary>As in <see cref="UpdateSubmitted"/>.</summary>
    public required double? TrainingLoss { get; init; }

    /// <summary>As in <see cref="UpdateSubmitted"/>.</summary>
    public required double? TrainingSeconds { get; init; }
}
