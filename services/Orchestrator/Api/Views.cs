using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator.Api;

/// <summary>A run as the API shows it.</summary>
public record RunView
{
    public required Guid RunId { get; init; }
    public required string Name { get; init; }
    public required RunState State { get; init; }
    public required long Seed { get; init; }

    /// <summary>The round in progress, or the last one; 0 before the first.</summary>
    public required int Round { get; init; }

    /// <summary>Rounds planned.</summary>
    public required int Rounds { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why the run ended early; null otherwise.</summary>
    public required string? Reason { get; init; }

    /// <summary>The newest global model; null before the first.</summary>
    public required BlobRef? Model { get; init; }

    public required int? ParameterCount { get; init; }

    /// <summary>Hash of the event log's last record, once the run is over; null before, and where it has no log.</summary>
    public required string? EventsHead { get; init; }

    public required RunSpec Spec { get; init; }
}

[JsonConverter(typeof(CamelCaseEnumConverter<RunState>))]
public enum RunState
{
    /// <summary>Waits for its clients and its initial model.</summary>
    Preparing,
    Running,
    Paused,
    Completed,
    Stopped,
    Abandoned,
    BudgetExhausted,
}

/// <summary>A round as the API shows it.</summary>
public record RoundView
{
    public required int Round { get; init; }
    public required RoundState State { get; init; }
    public required int ClientsSelected { get; init; }

    /// <summary>Members of the cohort that the ledger refused or that did not take the task.</summary>
    public required int ClientsRefused { get; init; }

    public required int UpdatesAdmitted { get; init; }

    /// <summary>Members of the cohort that are there by a late update of an earlier round, and were sent no task.</summary>
    public required int UpdatesLate { get; init; }

    public required int UpdatesRejected { get; init; }

    /// <summary>Model bytes sent to the clients of this round.</summary>
    public required long BytesDown { get; init; }

    /// <summary>Update bytes received.</summary>
    public required long BytesUp { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>From the draw of the cohort to the published model, in milliseconds; null while the round is open.</summary>
    public required double? DurationMs { get; init; }

    /// <summary>Scores on held-out data; null when none was due.</summary>
    public required ModelEvaluation? Evaluation { get; init; }

    /// <summary>Scores over the clients' validation data; null when off or not in yet.</summary>
    public required FederatedEvaluationView? FederatedEvaluation { get; init; }

    /// <summary>C that the Aggregator clipped updates to, in mode central; null where it clipped none.</summary>
    public required double? ClipNorm { get; init; }

    public required string? ModelSha256 { get; init; }
    public required LedgerReceipt? Receipt { get; init; }

    /// <summary>Why the round was abandoned; null otherwise.</summary>
    public required string? Reason { get; init; }
}

[JsonConverter(typeof(CamelCaseEnumConverter<RoundState>))]
public enum RoundState
{
    Planned,
    Reserved,
    Dispatched,
    Collecting,
    Closing,
    Done,
    Abandoned,
}

/// <summary>Means over all validation examples of the clients that answered.</summary>
public record FederatedEvaluationView
{
    public required int Clients { get; init; }
    public required long ExampleCount { get; init; }
    public required double Loss { get; init; }
    public required double? Accuracy { get; init; }
    public required double? MeanAbsoluteError { get; init; }
}

/// <summary>A client as the API shows it.</summary>
public record ClientView
{
    public required string ClientId { get; init; }

    /// <summary>Pool that serves it; null for a silo.</summary>
    public required string? Pool { get; init; }

    /// <summary>Whether a worker that serves it has been heard of lately.</summary>
    public required bool Alive { get; init; }

    public required IReadOnlyList<ClientDataSet> DataSets { get; init; }

    /// <summary>Name of the key that it signs its updates with; null where it has none.</summary>
    public string? KeySha256 { get; init; }

    /// <summary>Whether it comes over HTTPS, by enrolment.</summary>
    public bool IsEdge { get; init; }
}

/// <summary>What one client did in one run.</summary>
public record ContributionView
{
    public required string ClientId { get; init; }

    /// <summary>Examples declared for the run's data set.</summary>
    public required int Examples { get; init; }

    /// <summary>Rounds in which its update was admitted.</summary>
    public required int RoundsParticipated { get; init; }

    /// <summary>Share of all training examples aggregated so far that were its own, in [0, 1].</summary>
    public required double Weight { get; init; }

    /// <summary>Update bytes it sent.</summary>
    public required long BytesUp { get; init; }

    /// <summary>Time it spent in training, in seconds; null in a private run.</summary>
    public required double? TrainingSeconds { get; init; }
}

/// <summary>One step of a run's progress; also the data of a server-sent event, whose event name is <c>run</c>, <c>round</c> or <c>cohort</c>.</summary>
public record ProgressEvent
{
    public required RunView Run { get; init; }

    /// <summary>The round that changed; null when the run itself did, or its cohort.</summary>
    public required RoundView? Round { get; init; }

    /// <summary>Members of the newest round's cohort that changed; left out where nobody asked for them, or something else did.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CohortView? Cohort { get; init; }

    /// <summary>Rounds before this one were told and do not change any more: the id of the server-sent event, which a reader shows to go on from there.</summary>
    [JsonIgnore]
    public int KnownUpTo { get; init; }
}

/// <summary>One step of all runs; also the data of a server-sent event, whose event name is <c>run</c> or <c>whole</c>.</summary>
public record RunsEvent
{
    /// <summary>A run that is there, is new or has changed; null once all that are there were told.</summary>
    public required RunView? Run { get; init; }
}

/// <summary>Members of a round's cohort: all of them, or those that changed since.</summary>
public record CohortView
{
    public required int Round { get; init; }

    /// <summary>Whether these are all members: the first time that the round is told of.</summary>
    public required bool IsWhole { get; init; }

    /// <summary>In order of client id.</summary>
    public required IReadOnlyList<CohortMemberView> Members { get; init; }
}

/// <summary>A member of a cohort as the API shows it. What a client's training computed is not told.</summary>
public record CohortMemberView
{
    public required string ClientId { get; init; }
    public required MemberState State { get; init; }

    /// <summary>From 1; higher once its task was issued again.</summary>
    public required int Attempt { get; init; }

    /// <summary>Update bytes it sent.</summary>
    public required long BytesUp { get; init; }

    /// <summary>Why it was refused, rejected or failed; null otherwise.</summary>
    public required string? Reason { get; init; }
}
