using FlEvents.Contracts;

namespace FlEvents.Standalone.Replay;

/// <summary>One round as the log tells it.</summary>
public sealed class RoundHistory(int number)
{
    public int Number => number;

    /// <summary>Its cohort, in order of client id.</summary>
    public SortedDictionary<string, TaskHistory> Tasks { get; } = new(StringComparer.Ordinal);

    public RoundStarted? Started { get; set; }

    /// <summary>How it ended; null where it was abandoned, or is open.</summary>
    public RoundAggregated? Aggregated { get; set; }

    public bool IsEnded { get; set; }

    /// <summary>Sequence of the record that ended it.</summary>
    public long EndedAt { get; set; }

    public IEnumerable<TaskHistory> Charged => Tasks.Values.Where(task => task.IsCharged == true);

    /// <summary>Tasks whose updates went into its model, in order of client id: its own, and those of earlier rounds whose updates were late.</summary>
    public SortedDictionary<string, TaskHistory> Updates { get; } = new(StringComparer.Ordinal);
}

/// <summary>One client's task in a round.</summary>
public sealed class TaskHistory(ReserveBudget page, ReservationRequest request)
{
    public ReservationRequest Request => request;

    /// <summary>The charge as the ledger was asked for it.</summary>
    public ReserveBudget Asked => page with { Clients = [request] };

    public Guid ReservationId { get; } = Contracts.ReservationId.Of(page.RunId, page.Round, request.ClientId, page.Attempt);

    /// <summary>What the ledger answered; null where the log has no answer.</summary>
    public bool? IsCharged { get; set; }

    public bool IsRefunded { get; set; }

    public UpdateAdmitted? Update { get; set; }

    /// <summary>Sequence of the record that tells of the update.</summary>
    public long UpdateAt { get; set; }
}
