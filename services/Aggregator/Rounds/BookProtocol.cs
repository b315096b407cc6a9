using System.Security.Cryptography;
using System.Text;
using FlEvents.Contracts;

namespace FlEvents.Aggregator.Rounds;

/// <summary>What a message does to a book, and what is sent because of it.</summary>
/// <param name="Keep">The message came before what it refers to: it is kept, and looked at again when the book grows.</param>
public record BookDecision(Book Book, BookMember? Member, IReadOnlyList<object> Messages, bool Keep = false)
{
    public static BookDecision Nothing(Book book, BookMember? member = null) => new(book, member, []);
}

/// <summary>What updates were clipped to, and will be in the run's next round where that adapts.</summary>
public record ClippingNorms(double Used, double? Next);

/// <summary>Why a blob can't be used.</summary>
public record BlobDefect(string ReasonCode, string Detail);

/// <summary>
/// The book as a pure function of its row, one member's row and a message (docs/round-protocol.md). Each client is in at most once, with the
/// first update that answered its task; the set that is combined is fixed by one transaction; one model comes of it, once the ledger has
/// committed every charge.
/// </summary>
public static class BookProtocol
{
    /// <summary>A member is added, or its lease renewed: a lower lease number changes nothing.</summary>
    public static (Book Book, BookMember Member) OnMember(Book book, BookMember? known, RoundMember member)
    {
        if (known is not null)
        {
            return known.State == BookMemberState.Open && member.LeaseNumber > known.LeaseNumber
                ? (book, known with { LeaseNumber = member.LeaseNumber, LeaseTokenSha256 = member.LeaseTokenSha256 })
                : (book, known);
        }

        return (book with { Members = book.Members + 1 }, new BookMember
        {
            RoundId = book.RoundId,
            ClientId = member.ClientId,
            ReservationId = member.ReservationId,
            LeaseNumber = member.LeaseNumber,
            LeaseTokenSha256 = member.LeaseTokenSha256,
            ExampleCount = member.ExampleCount,
            KeySha256 = member.KeySha256,
            State = BookMemberState.Open,
        });
    }

    /// <summary>A late update of an earlier round is admitted, as far as it is there: of that book's row this one takes the update.</summary>
    /// <param name="known">The client's row in the earlier book; null when there is none.</param>
    /// <param name="from">The earlier book; null when there is none.</param>
    public static BookDecision OnCarried(Book book, BookMember? known, Book? from, RoundMember member, RunSpec run)
    {
        if (known?.CarriedTo == book.RoundId)
        {
            return BookDecision.Nothing(book, known);
        }

        var counted = book with { Members = book.Members + 1 };
        if (book.State != BookState.Open || known is not { State: BookMemberState.Late, CarriedTo: null } || from is null)
        {
            return new(counted, known, [Rejection(book, member.ClientId, member.ReservationId, RejectionCode.NotSelected, $"No late update of {member.ClientId} is kept.", isFinal: true)]);
        }

        var carried = known with { CarriedTo = book.RoundId };
        return new(counted with { Admitted = book.Admitted + 1 }, carried, [Admission(book, carried, run, book.Round - from.Round)]);
    }

    /// <summary>An update is announced: it is admitted, rejected with a reason, or a duplicate.</summary>
    /// <param name="run">What the round's run says of its updates.</param>
    /// <param name="defect">What is wrong with its bytes; null when nothing is.</param>
    public static BookDecision OnSubmitted(Book book, BookMember? member, UpdateSubmitted message, RunSpec run, BlobDefect? defect)
    {
        // What is checked of the bytes depends on the run, so the message must not choose another one than its round's.
        if (message.RunId != book.RunId || message.Round != book.Round)
        {
            return Reject(
                book,
                member,
                message,
                RejectionCode.NotSelected,
                $"Round {message.RoundId} is round {book.Round} of run {book.RunId}, not round {message.Round} of run {message.RunId}.",
                isFinal: false);
        }

        if (member is null)
        {
            return book.IsComplete || book.State != BookState.Open
                ? Reject(book, member, message, RejectionCode.NotSelected, $"{message.ClientId} is not in the cohort of round {book.Round}.", isFinal: false)
                : BookDecision.Nothing(book) with { Keep = true };
        }

        if (member.UpdateSha256 == message.Update.Sha256)
        {
            return BookDecision.Nothing(book, member);
        }

        if (message.ReservationId != member.ReservationId)
        {
            return Reject(book, member, message, RejectionCode.NotSelected, $"Reservation {message.ReservationId} is not the one of this task.", isFinal: false);
        }

        // Before anything is said of the client: who can't sign for it must not be able to have it turned away, or called a cheat.
        if (SignedUpdate.Defect(book, member, run, message.Update, message.Signature, message.ExampleCount) is { } unsigned)
        {
            return Reject(book, member, message, RejectionCode.BadSignature, unsigned, isFinal: false);
        }

        if (member.State != BookMemberState.Open)
        {
            return Reject(
                book, member, message, RejectionCode.Equivocation, $"Update {message.Update.Sha256} follows {member.UpdateSha256}: the first one counts.", isFinal: false);
        }

        if (book.State == BookState.Abandoned || (book.State != BookState.Open && run.Aggregation.LateRounds == 0))
        {
            return Reject(book, member, message, RejectionCode.Late, $"Round {book.Round} is closed.", isFinal: true);
        }

        if (message.LeaseNumber > member.LeaseNumber)
        {
            return BookDecision.Nothing(book, member) with { Keep = true };
        }

        return HashOf(message.LeaseToken) != member.LeaseTokenSha256
            ? Reject(book, member, message, RejectionCode.LeaseLost, $"The task was issued again as lease {member.LeaseNumber}.", isFinal: false)
            : Judge(book, member, message, run, defect);
    }

    /// <summary>
    /// The admitted set is fixed here, or the round abandoned for want of updates. Who asks for a model of a book that was given up is told so: it must not wait for one.
    /// </summary>
    public static BookDecision OnAggregate(Book book, AggregateRound message)
    {
        if (book.State != BookState.Open)
        {
            return book.State == BookState.Abandoned ? new(book, null, [Abandoned(book, "ABANDONED_BEFORE", "The Aggregator has given the round up before.")]) : BookDecision.Nothing(book);
        }

        if (!book.IsComplete)
        {
            return BookDecision.Nothing(book) with { Keep = true };
        }

        return book.Admitted >= message.MinimumReports && book.Admitted > 0
            ? new(book with { State = BookState.Frozen }, null, [])
            : new(book with { State = BookState.Abandoned }, null,
                [Abandoned(book, "TOO_FEW_REPORTS", $"{book.Admitted} updates were admitted; the round needs {Math.Max(1, message.MinimumReports)}.")]);
    }

    private static RoundAbandoned Abandoned(Book book, string reasonCode, string detail) =>
        new() { RunId = book.RunId, RoundId = book.RoundId, Round = book.Round, ReasonCode = reasonCode, Detail = detail };

    /// <summary>The model is made. If a crash made it twice, the first one stays.</summary>
    /// <param name="charged">As in <see cref="CommitOf"/>.</param>
    public static BookDecision OnCombined(Book book, int charged, BlobRef result, ModelEvaluation? evaluation, ClippingNorms? norms = null)
    {
        if (book.State != BookState.Frozen)
        {
            return BookDecision.Nothing(book);
        }

        var named = book with { State = BookState.Aggregated, Result = result, Evaluation = evaluation, ClipNorm = norms?.Used, NextClipNorm = norms?.Next };
        return new(named, null, [CommitOf(named, charged)]);
    }

    /// <summary>The question to the ledger on whose answer the book's model goes out.</summary>
    /// <param name="charged">Members that were sent a task. One whose late update counts here was charged in the round of its task.</param>
    public static CommitBudget CommitOf(Book book, int charged) =>
        new() { RunId = book.RunId, RoundId = book.RoundId, Round = book.Round, Charged = charged, ModelSha256 = book.Result!.Sha256 };

    /// <summary>Whether the ledger's answer lets the book's model out: it was committed for this one, and for no other that was made before.</summary>
    public static bool IsCleared(Book book, BudgetCommitted message) => book.State == BookState.Aggregated && book.Result!.Sha256 == message.ModelSha256;

    /// <summary>
    /// The publish gate: every charge of the round is final. A round that was committed before for another model, or for none, has had its one: a book that
    /// does not know of it is an old copy, and its model never goes out.
    /// </summary>
    public static BookDecision OnCommitted(Book book, BudgetCommitted message, int parameterCount) => book.State != BookState.Aggregated
        ? BookDecision.Nothing(book)
        : !IsCleared(book, message) ? new(book with { State = BookState.Abandoned, Receipt = message.Receipt }, null,
        [
            Abandoned(
                book,
                "COMMITTED_BEFORE",
                $"The ledger committed round {book.Round} for {(message.ModelSha256 is null ? "no model" : $"model {message.ModelSha256}")}; this one is {book.Result!.Sha256}."),
        ])
        : new(book with { State = BookState.Released, Receipt = message.Receipt }, null,
        [
            new RoundAggregated
            {
                RunId = book.RunId,
                RoundId = book.RoundId,
                Round = book.Round,
                Model = book.Result!,
                UpdatesAdmitted = book.Admitted,
                Receipt = message.Receipt,
                Evaluation = book.Evaluation,
                ClipNorm = book.ClipNorm,
            },
            new ModelPublished
            {
                RunId = book.RunId,
                Version = book.Round,
                Model = book.Result!,
                ParameterCount = parameterCount,
                Receipt = message.Receipt,
            },
        ]);

    /// <summary>The Orchestrator gave the round up before it asked for a model.</summary>
    public static BookDecision OnAbandoned(Book book) => book.State != BookState.Open
        ? BookDecision.Nothing(book)
        : new(book with { State = BookState.Abandoned }, null, []);

    private static BookDecision Judge(Book book, BookMember member, UpdateSubmitted message, RunSpec run, BlobDefect? defect)
    {
        if (message.BaseModelSha256 != book.BaseModel.Sha256)
        {
            return Reject(
                book, member, message, RejectionCode.WrongBaseModel, $"Trained from model {message.BaseModelSha256}; the round's is {book.BaseModel.Sha256}.", isFinal: true);
        }

        if (ExampleCountDefect(member, message, run) is { } error)
        {
            return Reject(book, member, message, RejectionCode.ExampleCount, error, isFinal: true);
        }

        if (defect is not null)
        {
            return Reject(book, member, message, defect.ReasonCode, defect.Detail, isFinal: true);
        }

        var taken = member with
        {
            State = book.State == BookState.Open ? BookMemberState.Admitted : BookMemberState.Late,
            UpdateSha256 = message.Update.Sha256,
            UpdateSize = message.Update.SizeBytes,
            Weight = run.HasUniformWeights ? 1 : message.ExampleCount ?? member.ExampleCount,
        };
        if (taken.State == BookMemberState.Late)
        {
            var detail = $"Round {book.Round} is closed; the update is kept for a later one, up to round {book.Round + run.Aggregation.LateRounds}.";
            return new(book, taken, [Rejection(book, member.ClientId, member.ReservationId, RejectionCode.Late, detail, isFinal: true)]);
        }

        var admission = Admission(book, taken, run, roundsLate: 0) with
        {
            ExampleCount = message.ExampleCount,
            TrainingLoss = run.Privacy.IsPrivate ? null : message.TrainingLoss,
            TrainingSeconds = run.Privacy.IsPrivate ? null : message.TrainingSeconds,
        };
        return new(book with { Admitted = book.Admitted + 1 }, taken, [admission]);
    }

    private static UpdateAdmitted Admission(Book book, BookMember member, RunSpec run, int roundsLate) => new()
    {
        RunId = book.RunId,
        RoundId = book.RoundId,
        Round = book.Round,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        RoundsLate = roundsLate,
        UpdateSizeBytes = member.UpdateSize!.Value,

        // Of a late update the book keeps the weight alone, which is the count where counts are weights.
        ExampleCount = run.HasUniformWeights ? null : member.Weight,

        // Whatever a worker sends: nothing that no mechanism noised goes on from here.
        UpdateSha256 = run.Privacy.HasCentral ? null : member.UpdateSha256,
        TrainingLoss = null,
        TrainingSeconds = null,
    };

    // In a private run a count of its own would be one more value computed from the data: it is the declared one, or none.
    private static string? ExampleCountDefect(BookMember member, UpdateSubmitted message, RunSpec run) => (run.Privacy, message.ExampleCount) switch
    {
        ({ IsPrivate: false }, >= 1 and var count) when count <= member.ExampleCount => null,
        ({ IsPrivate: false }, var count) => $"{count?.ToString() ?? "No"} training examples; expected 1 to the declared {member.ExampleCount}.",
        ({ Mode: PrivacyMode.Example }, var count) when count == member.ExampleCount => null,
        ({ Mode: PrivacyMode.Example }, var count) => $"{count?.ToString() ?? "No"} training examples; expected the declared {member.ExampleCount}.",
        (_, null) => null,
        (_, var count) => $"{count} training examples; expected none, which the privacy mode forbids to send.",
    };

    private static BookDecision Reject(Book book, BookMember? member, UpdateSubmitted message, string reasonCode, string detail, bool isFinal) => new(
        book,
        isFinal ? member! with { State = BookMemberState.Rejected, UpdateSha256 = message.Update.Sha256, UpdateSize = message.Update.SizeBytes } : member,
        [Rejection(book, message.ClientId, message.ReservationId, reasonCode, detail, isFinal)]);

    private static UpdateRejected Rejection(Book book, string clientId, Guid reservationId, string reasonCode, string detail, bool isFinal) => new()
    {
        RunId = book.RunId,
        RoundId = book.RoundId,
        Round = book.Round,
        ClientId = clientId,
        ReservationId = reservationId,
        ReasonCode = reasonCode,
        Detail = detail,
        IsFinal = isFinal,
    };

    private static string HashOf(string leaseToken) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(leaseToken)));
}
