using FlEvents.Contracts;

namespace FlEvents.Aggregator.Rounds;

/// <summary>The Aggregator's journal of one round: which updates are in, and the one model they make.</summary>
public record Book
{
    public required Guid RoundId { get; init; }
    public required Guid RunId { get; init; }
    public required int Round { get; init; }
    public required BookState State { get; init; }
    public required BlobRef BaseModel { get; init; }

    /// <summary>Members the book has when it is complete.</summary>
    public required int CohortSize { get; init; }

    /// <summary>Members it has.</summary>
    public int Members { get; init; }

    public int Admitted { get; init; }

    /// <summary>The one model of this round, once it is made; never another.</summary>
    public BlobRef? Result { get; init; }

    public ModelEvaluation? Evaluation { get; init; }

    /// <summary>C that updates were clipped to; null where they were not.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>C of the run's next round, where it adapts.</summary>
    public double? NextClipNorm { get; init; }

    public LedgerReceipt? Receipt { get; init; }

    public bool IsComplete => Members >= CohortSize;
}

/// <summary>Where a book stands; the last two states are final.</summary>
public enum BookState
{
    /// <summary>Takes updates.</summary>
    Open,

    /// <summary>The admitted set is fixed; it is being combined.</summary>
    Frozen,

    /// <summary>The book names the model; it waits for the ledger's receipt and is not to be read yet.</summary>
    Aggregated,

    /// <summary>Every charge is committed and the model is out.</summary>
    Released,

    Abandoned,
}

/// <summary>A client in a book.</summary>
public record BookMember
{
    public required Guid RoundId { get; init; }
    public required string ClientId { get; init; }
    public required Guid ReservationId { get; init; }
    public required int LeaseNumber { get; init; }
    public required string LeaseTokenSha256 { get; init; }

    /// <summary>Examples declared at enrolment.</summary>
    public required int ExampleCount { get; init; }

    /// <summary>Name of the key that the client signs its updates with; null where it has none.</summary>
    public string? KeySha256 { get; init; }

    public required BookMemberState State { get; init; }

    /// <summary>Hash of the update that answered the task, admitted or rejected.</summary>
    public string? UpdateSha256 { get; init; }

    public long? UpdateSize { get; init; }

    /// <summary>Training examples n_k of the admitted or late update: its weight, before it is divided for lateness.</summary>
    public int? Weight { get; init; }

    /// <summary>Later round whose book the late update was given to; null where it was given to none.</summary>
    public Guid? CarriedTo { get; init; }
}

/// <summary>One update of a frozen book.</summary>
/// <param name="RoundsLate">Rounds since the one it was made for; 0 for an update of the book's own round.</param>
public record BookEntry(BookMember Member, int RoundsLate);

public enum BookMemberState
{
    Open,
    Admitted,
    Rejected,

    /// <summary>Its update came after the book was closed, and is kept for the book of a later round.</summary>
    Late,
}
