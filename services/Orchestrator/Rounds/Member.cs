namespace FlEvents.Orchestrator.Rounds;

/// <summary>One client of a round's cohort.</summary>
public record Member
{
    public required Guid RoundId { get; init; }
    public required string ClientId { get; init; }
    public required MemberState State { get; init; }
    public required Guid ReservationId { get; init; }

    /// <summary>Exchange of the queue that serves it.</summary>
    public required string Address { get; init; }

    /// <summary>Examples declared at enrolment.</summary>
    public required int ExampleCount { get; init; }

    /// <summary>From 1; higher once the task was issued again.</summary>
    public int LeaseNumber { get; init; } = 1;

    public required string LeaseToken { get; init; }

    /// <summary>Name of the key that it signs its updates with, as it was when it was drawn; null where it has none.</summary>
    public string? KeySha256 { get; init; }

    /// <summary>When an accepted task is taken to be lost.</summary>
    public DateTimeOffset? LeaseEndsAt { get; init; }

    /// <summary>Earlier round whose late update counts in this one; null for a client that is sent a task.</summary>
    public Guid? CarriedFrom { get; init; }

    /// <summary>Training examples of the admitted update.</summary>
    public int? TrainedExamples { get; init; }

    public long BytesUp { get; init; }
    public double? TrainingLoss { get; init; }
    public double? TrainingSeconds { get; init; }

    /// <summary>Why it was refused, rejected or failed.</summary>
    public string? Detail { get; init; }

    public bool IsOpen => State is MemberState.Waiting or MemberState.Dispatched or MemberState.Accepted;
}

/// <summary>Where a member stands; admitted, rejected, carried and refused are final.</summary>
public enum MemberState
{
    /// <summary>Drawn; the ledger has not answered.</summary>
    Planned,

    /// <summary>Charged; its task waits for its turn.</summary>
    Waiting,

    /// <summary>Its task is on the way.</summary>
    Dispatched,

    /// <summary>A worker has stored its task, under a lease.</summary>
    Accepted,

    /// <summary>Its update is in the round's book.</summary>
    Admitted,

    /// <summary>Its update was turned away.</summary>
    Rejected,

    /// <summary>Its update came after the round was closed, and waits in the book for a round that it can count in.</summary>
    Late,

    /// <summary>Its late update counts in a later round, or waits there to be admitted.</summary>
    Carried,

    /// <summary>The ledger refused it, or the one worker that serves it did not take its task; nothing is charged.</summary>
    Refused,

    /// <summary>Its task ended without an update, or a worker of its pool did not take it; the charge stays. Should an update come after all, it counts.</summary>
    Failed,
}
