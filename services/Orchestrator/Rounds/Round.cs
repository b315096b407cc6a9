using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>One round's row: counters and deadline. Its members have a row each.</summary>
public record Round
{
    public required Guid RoundId { get; init; }
    public required Guid RunId { get; init; }

    /// <summary>From 1.</summary>
    public required int Number { get; init; }

    public required RoundState State { get; init; }

    /// <summary>Set when the tasks go out; null before.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }

    public required int CohortSize { get; init; }

    /// <summary>Members the ledger has not answered for.</summary>
    public required int Planned { get; init; }

    /// <summary>Members charged and not answered yet: waiting, dispatched or accepted.</summary>
    public required int Open { get; init; }

    /// <summary>Members that the ledger refused, or that did not take or finish their task.</summary>
    public int Refused { get; init; }

    public int Admitted { get; init; }
    public int Rejected { get; init; }
    public required int MinimumReports { get; init; }

    /// <summary>Admitted updates that close the round at once; null where it waits for its whole cohort or its deadline.</summary>
    public required int? Target { get; init; }

    public required BlobRef BaseModel { get; init; }

    /// <summary>Update bytes admitted.</summary>
    public long BytesUp { get; init; }

    public BlobRef? Model { get; init; }
    public ModelEvaluation? Evaluation { get; init; }

    /// <summary>C that the Aggregator clipped updates to.</summary>
    public double? ClipNorm { get; init; }

    public LedgerReceipt? Receipt { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why the round was abandoned.</summary>
    public string? Reason { get; init; }

    public bool IsFinal => State is RoundState.Done or RoundState.Abandoned;

    public bool IsCollecting => State is RoundState.Dispatched or RoundState.Collecting;
}
