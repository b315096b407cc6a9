using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;

namespace FlEvents.Orchestrator.Runs;

/// <summary>One run's row.</summary>
public record Run
{
    public required Guid RunId { get; init; }
    public required RunSpec Spec { get; init; }
    public required RunState State { get; init; }

    /// <summary>The round in progress, or the last one; 0 before the first.</summary>
    public int Round { get; init; }

    /// <summary>The last round whose end the run has taken over.</summary>
    public int EndedRound { get; init; }

    /// <summary>Abandoned rounds since the last one that was done.</summary>
    public int AbandonedInRow { get; init; }

    /// <summary>Stop as soon as the round that is being aggregated has ended.</summary>
    public bool StopRequested { get; init; }

    /// <summary>The newest global model; null until the initial weights are there.</summary>
    public BlobRef? Model { get; init; }

    public int? ModelVersion { get; init; }
    public int? ParameterCount { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public string? Reason { get; init; }

    /// <summary>Hash of the event log's last record, once the run is over; null where it has no log.</summary>
    public string? EventsHead { get; init; }

    public bool IsFinal => State is not (RunState.Preparing or RunState.Running or RunState.Paused);
}
