using System.Security.Cryptography;
using System.Text;
using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>The Aggregator: <see cref="Bookkeeping"/> over rows and folders in memory, with what its worker and its update store do between the transactions.</summary>
internal sealed class AggregatorPart(Mail mail) : Part<AggregatorRows>(mail, rows => rows.Content)
{
    private const int TakeKind = 0, OpenModelKind = 1, PutKind = 2, PutAndDieKind = 3, AskKind = 4, CombineKind = 5, NameKind = 6, CollectKind = 7, DieKind = 8, OfferAndDieKind = 9;
    private readonly Interned<Put> _puts = new(put => put);

    public int Begin() => Rows.IdOf(new AggregatorRows());

    public int PutOf(Put put) => _puts.IdOf(put);

    public Outcome Take(int rows, int message) => Known(rows, TakeKind, message, 0) ?? Learn(rows, TakeKind, message, 0, Deliver(Rows[rows], Mail.Messages[message].Message));

    /// <summary>Takes the ledger's receipt as far as the model's file, and dies before the transaction.</summary>
    public Outcome OpenModelAndDie(int rows, int message) => Known(rows, OpenModelKind, message, 0)
        ?? Learn(rows, OpenModelKind, message, 0, Quiet(Die(OpenModel(Rows[rows], (BudgetCommitted)Mail.Messages[message].Message))));

    /// <summary>An update's bytes arrive in full.</summary>
    public Outcome Store(int rows, int put) => Known(rows, PutKind, put, 0) ?? Learn(rows, PutKind, put, 0, Store(Rows[rows], _puts[put], dies: false));

    /// <summary>An update is offered, and it dies before the bytes arrive.</summary>
    public Outcome OfferAndDie(int rows, int put) => Known(rows, OfferAndDieKind, put, 0) ?? Learn(rows, OfferAndDieKind, put, 0, OfferAndDie(Rows[rows], _puts[put]));

    /// <summary>An update's bytes arrive in full, and it dies between their row and their name.</summary>
    public Outcome StoreAndDie(int rows, int put) => Known(rows, PutAndDieKind, put, 0) ?? Learn(rows, PutAndDieKind, put, 0, Store(Rows[rows], _puts[put], dies: true));

    /// <summary>Tells a worker whether it has a task's update in full.</summary>
    public Outcome Ask(int rows, int put) => Known(rows, AskKind, put, 0) ?? Learn(rows, AskKind, put, 0, Ask(Rows[rows], _puts[put]));

    /// <summary>Makes a model of a frozen book, and writes it to the private folder.</summary>
    public Outcome Combine(int rows, Guid roundId, int round) => Known(rows, CombineKind, round, 0) ?? Learn(rows, CombineKind, round, 0, Quiet(Combine(Rows[rows], roundId)));

    /// <summary>Names the model in the book.</summary>
    public Outcome Name(int rows, Guid roundId, int round) => Known(rows, NameKind, round, 0) ?? Learn(rows, NameKind, round, 0, Name(Rows[rows], roundId));

    /// <summary>Deletes the updates of a round that is final.</summary>
    public Outcome Collect(int rows, Guid roundId, int round) => Known(rows, CollectKind, round, 0) ?? Learn(rows, CollectKind, round, 0, Quiet(Collect(Rows[rows], roundId)));

    public Outcome Die(int rows) => Known(rows, DieKind, 0, 0) ?? Learn(rows, DieKind, 0, 0, Quiet(Die(Rows[rows])));

    // While a round is not final a receipt may find a model, and a page of members messages that came too early.
    protected override bool ChangesNothing(int rows, int message, int clock) =>
        Take(rows, message) is var taken && taken.Rows == rows && taken.Sent == Bags.Empty && Mail.Messages[message].Message switch
        {
            BudgetCommitted m => IsFinal(Rows[rows], m.RoundId),
            OpenRound m => IsFinal(Rows[rows], m.RoundId),
            _ => true,
        };

    protected override string? Defect(AggregatorRows before, AggregatorRows after)
    {
        foreach (var (id, book) in before.Books)
        {
            var next = after.Books[id];
            if (book.State is BookState.Released or BookState.Abandoned && next.State != book.State)
            {
                return $"I5: book {id} was {book.State} and became {next.State}.";
            }

            if (book.Result is not null && next.Result != book.Result)
            {
                return $"I5: book {id} named model {book.Result.Sha256} and then {next.Result?.Sha256}.";
            }
        }

        foreach (var (id, member) in before.Members.Where(member => member.Value.State != BookMemberState.Open && !IsKept(member.Value, after.Members[member.Key])))
        {
            return $"I5: member {id} of a book was {member} and became {after.Members[id]}.";
        }

        return null;
    }

    // A late update is given to one later book.
    private static bool IsKept(BookMember before, BookMember after) =>
        after == before || (before is { State: BookMemberState.Late, CarriedTo: null } && after == before with { CarriedTo = after.CarriedTo });

    private Step<AggregatorRows> Deliver(AggregatorRows rows, object message)
    {
        var tables = new AggregatorTables(Mail, rows);
        switch (message)
        {
            case CreateModel m when !rows.Runs.ContainsKey(m.RunId):
                tables.Rows = rows with { Runs = rows.Runs.Add(m.RunId, m.Run) };
                tables.Send(new ModelPublished { RunId = m.RunId, Version = 0, Model = Scenario.Blob($"initial model of {m.RunId}"), ParameterCount = Scenario.ParameterCount, Receipt = null });
                break;
            case CreateModel:
                break;
            case OpenRound m:
                Bookkeeping.On(tables, m);
                break;
            case UpdateSubmitted m:
                Bookkeeping.On(tables, m, DefectOf(rows, m));
                break;
            case AggregateRound m:
                Bookkeeping.On(tables, m);
                break;
            case RoundAbandoned m:
                Bookkeeping.On(tables, m);
                break;
            case BudgetCommitted m when rows.Books.GetValueOrDefault(m.RoundId) is { State: BookState.Aggregated }:
                tables.Rows = OpenModel(rows, m);
                Bookkeeping.On(tables, m, Scenario.ParameterCount);
                break;
            case BudgetCommitted:
                break;
            default:
                throw new ArgumentException($"{message.GetType().Name} is not for the Aggregator.");
        }

        return new Step<AggregatorRows>(tables.Rows, tables.Sent);
    }

    private static AggregatorRows OpenModel(AggregatorRows rows, BudgetCommitted message) =>
        rows.Books.GetValueOrDefault(message.RoundId) is { Result: { } model } book && BookProtocol.IsCleared(book, message) && rows.Unreleased.Contains(model.Sha256)
            ? rows with { Unreleased = rows.Unreleased.Remove(model.Sha256), Readable = rows.Readable.Add(model.Sha256) }
            : rows;

    private static BlobDefect? DefectOf(AggregatorRows rows, UpdateSubmitted message) =>
        rows.Runs.ContainsKey(message.RunId) && rows.Uploads.Contains((message.ReservationId, message.Update.Sha256)) && rows.Updates.Contains(message.Update.Sha256)
            ? null
            : new BlobDefect(RejectionCode.BlobMismatch, "The update is not in the store for this task.");

    private Step<AggregatorRows> Store(AggregatorRows rows, Put put, bool dies)
    {
        var tables = new AggregatorTables(Mail, rows);
        if (Offer(tables, put) is not Answer.None and var refusal)
        {
            return new Step<AggregatorRows>(rows, [], refusal);
        }

        var isFirst = Bookkeeping.OnReceived(tables, put.ReservationId, put.Sha256);
        rows = tables.Rows with
        {
            Seen = rows.Seen.Add((put.ReservationId, put.Sha256)),
            Uploads = isFirst ? rows.Uploads.Add((put.ReservationId, put.Sha256)) : rows.Uploads,
            Updates = isFirst && !dies ? rows.Updates.Add(put.Sha256) : rows.Updates,
        };
        return new Step<AggregatorRows>(dies ? Die(rows) : rows, tables.Sent, isFirst ? Answer.Stored : Answer.Conflict);
    }

    private Step<AggregatorRows> OfferAndDie(AggregatorRows rows, Put put)
    {
        var tables = new AggregatorTables(Mail, rows);
        return Offer(tables, put) == Answer.None ? Quiet(Die(tables.Rows)) : Quiet(rows);
    }

    // What is refused here has not left its worker.
    private static Answer Offer(AggregatorTables tables, Put put) => Authorize(tables, put) switch
    {
        Answer.None => Bookkeeping.OnOffered(tables, put.ReservationId, put.Sha256) ? Answer.None : Answer.Conflict,
        var refusal => refusal,
    };

    private Step<AggregatorRows> Ask(AggregatorRows rows, Put put)
    {
        var tables = new AggregatorTables(Mail, rows);
        var held = tables.Uploads(put.ReservationId).FirstOrDefault(upload => rows.Updates.Contains(upload.Sha256));
        return new Step<AggregatorRows>(rows, [], Authorize(tables, put) switch
        {
            Answer.None when held is null => Answer.None,
            Answer.None => held.Sha256 == put.Sha256 ? Answer.Stored : Answer.Conflict,
            var refusal => refusal,
        });
    }

    private static Answer Authorize(AggregatorTables tables, Put put) =>
        tables.FindByReservation(put.ReservationId) is not { } member ? Answer.Unknown
        : member.LeaseTokenSha256 != Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(put.LeaseToken))) ? Answer.Forbidden
        : Answer.None;

    private static bool IsFinal(AggregatorRows rows, Guid roundId) => rows.Books.GetValueOrDefault(roundId)?.State is BookState.Released or BookState.Abandoned;

    private static AggregatorRows Combine(AggregatorRows rows, Guid roundId)
    {
        // What the worker waits for, and tries again.
        if (rows.Manifest(roundId).Any(member => !rows.Updates.Contains(member.UpdateSha256!)))
        {
            return rows;
        }

        var draw = rows.Runs[rows.Books[roundId].RunId].Privacy.HasCentral ? rows.Draws.GetValueOrDefault(roundId) + 1 : 0;
        var model = Scenario.Blob($"model of {roundId}, draw {draw}");
        return rows with
        {
            Unreleased = rows.Unreleased.Add(model.Sha256),
            InHand = rows.InHand.SetItem(roundId, model.Sha256),
            Draws = draw > 0 ? rows.Draws.SetItem(roundId, draw) : rows.Draws,
        };
    }

    private Step<AggregatorRows> Name(AggregatorRows rows, Guid roundId)
    {
        var tables = new AggregatorTables(Mail, rows);
        Bookkeeping.OnCombined(tables, roundId, new BlobRef { Sha256 = rows.InHand[roundId], SizeBytes = 100 }, null, null);
        return new Step<AggregatorRows>(tables.Rows with { InHand = rows.InHand.Remove(roundId) }, tables.Sent);
    }

    private static bool IsCollectable(AggregatorRows rows, Guid roundId) =>
        rows.Uploads.Any(upload => IsOver(rows, upload.ReservationId, roundId));

    private static AggregatorRows Collect(AggregatorRows rows, Guid roundId)
    {
        if (!IsCollectable(rows, roundId))
        {
            return rows;
        }

        var left = rows.Uploads.Where(upload => !IsOver(rows, upload.ReservationId, roundId)).ToList();
        return rows with { Uploads = [.. left], Updates = rows.Updates.Intersect(left.Select(upload => upload.Sha256)) };
    }

    // What the next start does before anything answers: models that no book names and updates without a row are gone.
    private static AggregatorRows Die(AggregatorRows rows) => rows with
    {
        InHand = rows.InHand.Clear(),
        Unreleased = rows.Unreleased.Intersect(rows.Books.Values.Where(book => book.State == BookState.Aggregated).Select(book => book.Result!.Sha256)),
        Updates = rows.Updates.Intersect(rows.Uploads.Select(upload => upload.Sha256)),
    };

    // As the query of the product's own update store has it.
    private static bool IsOver(AggregatorRows rows, Guid reservationId, Guid roundId)
    {
        if (rows.Members.Values.SingleOrDefault(member => member.ReservationId == reservationId) is not { } member || member.RoundId != roundId || !IsFinal(rows, roundId))
        {
            return false;
        }

        var book = rows.Books[roundId];
        var lateRounds = rows.Runs[book.RunId].Aggregation.LateRounds;
        return member switch
        {
            { CarriedTo: { } later } => IsFinal(rows, later),
            { State: BookMemberState.Open or BookMemberState.Late } when lateRounds > 0 =>
                rows.Books.Values.Any(other => other.RunId == book.RunId && other.Round > book.Round + lateRounds),
            _ => true,
        };
    }

    private static Step<AggregatorRows> Quiet(AggregatorRows rows) => new(rows, []);
}

/// <summary>What a worker sends to the update store.</summary>
internal sealed record Put(Guid ReservationId, string LeaseToken, string Sha256);
