using FlEvents.Contracts;

namespace FlEvents.Aggregator.Rounds;

/// <summary>
/// Carries the decisions of <see cref="BookProtocol"/> out: reads rows, lets it decide, writes and sends. One message, or one thing that happened
/// inside this service, is one call.
/// </summary>
public static class Bookkeeping
{
    /// <summary>A page of members opens the round's book, or renews leases in it; what came too early is looked at again.</summary>
    public static void On(IBookTables tables, OpenRound message)
    {
        var book = tables.FindBook(message.RoundId) ?? new Book
        {
            RoundId = message.RoundId,
            RunId = message.RunId,
            Round = message.Round,
            State = BookState.Open,
            BaseModel = message.BaseModel,
            CohortSize = message.CohortSize,
        };
        book = book with { CohortSize = Math.Max(book.CohortSize, message.CohortSize) };
        tables.Save(book);
        foreach (var member in message.Members)
        {
            book = member.CarriedFrom is { } from ? Carry(tables, book, member, from) : Enter(tables, book, member);
        }

        tables.Save(book);
        tables.ReplayEarly(book.RoundId);
        tables.ForgetSent(message.RunId, message.Round - 1);
    }

    private static Book Enter(IBookTables tables, Book book, RoundMember member)
    {
        var known = tables.FindMember(book.RoundId, member.ClientId);
        (book, var changed) = BookProtocol.OnMember(book, known, member);
        if (changed != known)
        {
            tables.Save(changed);
        }

        return book;
    }

    private static Book Carry(IBookTables tables, Book book, RoundMember member, Guid from)
    {
        var decision = BookProtocol.OnCarried(book, tables.FindMember(from, member.ClientId), tables.FindBook(from), member, tables.FindSpec(book.RunId)!);
        if (decision.Member is { } carried)
        {
            tables.Save(carried);
        }

        SendAll(tables, decision.Messages);
        return decision.Book;
    }

    /// <summary>Admits an announced update, or rejects it; one whose book is not there yet is kept.</summary>
    /// <param name="defect">What is wrong with its bytes; null when nothing is.</param>
    /// <returns>What was decided; null when there is no book to decide by.</returns>
    public static BookDecision? On(IBookTables tables, UpdateSubmitted message, BlobDefect? defect)
    {
        if (tables.FindBook(message.RoundId) is not { } book || tables.FindSpec(book.RunId) is not { } spec)
        {
            tables.KeepEarly(message.RoundId, message);
            return null;
        }

        var member = tables.FindMember(message.RoundId, message.ClientId);
        var decision = BookProtocol.OnSubmitted(book, member, message, spec, defect);
        if (decision.Keep)
        {
            tables.KeepEarly(message.RoundId, message);
        }

        if (decision.Book != book)
        {
            tables.Save(decision.Book);
        }

        if (decision.Member is { } changed && changed != member)
        {
            tables.Save(changed);
        }

        SendAll(tables, decision.Messages);
        return decision;
    }

    /// <summary>Fixes the set that is combined, or abandons the round.</summary>
    /// <returns>What was decided; null when the book is as it was.</returns>
    public static BookDecision? On(IBookTables tables, AggregateRound message)
    {
        if (tables.FindBook(message.RoundId) is not { } book)
        {
            tables.KeepEarly(message.RoundId, message);
            return null;
        }

        var decision = BookProtocol.OnAggregate(book, message);
        if (decision.Keep)
        {
            tables.KeepEarly(message.RoundId, message);
        }

        if (decision.Book == book)
        {
            SendAll(tables, decision.Messages);
            return null;
        }

        return Save(tables, decision);
    }

    /// <summary>Names the model that was made of the set: its bytes are in the private folder by now.</summary>
    /// <returns>Whether this is the model the book names.</returns>
    public static bool OnCombined(IBookTables tables, Guid roundId, BlobRef model, ModelEvaluation? evaluation, ClippingNorms? norms) =>
        Save(tables, BookProtocol.OnCombined(tables.FindBook(roundId)!, tables.CountTasks(roundId), model, evaluation, norms)).Book.Result == model;

    /// <summary>The publish gate: every charge of the round is final, and the model's bytes were made readable.</summary>
    /// <returns>What was decided; null when the book is as it was.</returns>
    public static BookDecision? On(IBookTables tables, BudgetCommitted message, int parameterCount)
    {
        var decision = BookProtocol.OnCommitted(tables.FindBook(message.RoundId)!, message, parameterCount);
        if (decision.Messages.Count == 0)
        {
            return null;
        }

        if (decision.Book.State == BookState.Released)
        {
            tables.AddRelease(decision.Book.RunId, decision.Book.Round, decision.Book.Result!);
        }

        return Save(tables, decision);
    }

    /// <summary>The Orchestrator gave the round up; a book that is not there yet will be closed when it comes.</summary>
    /// <returns>What was decided; null when the book is as it was.</returns>
    public static BookDecision? On(IBookTables tables, RoundAbandoned message)
    {
        if (tables.FindBook(message.RoundId) is not { } book)
        {
            tables.KeepEarly(message.RoundId, message);
            return null;
        }

        var decision = BookProtocol.OnAbandoned(book);
        return decision.Book == book ? null : Save(tables, decision);
    }

    /// <summary>
    /// An update is about to be sent. Of the updates of one task whose clients add noise the first that is offered takes the place, so that a second one, of a
    /// worker that has the task too, never leaves it: nothing of it needs to be charged.
    /// </summary>
    /// <returns>Whether it is to be sent.</returns>
    public static bool OnOffered(IBookTables tables, Guid reservationId, string sha256)
    {
        var seen = OutputsOf(tables, reservationId, out var isNoised);
        if (isNoised && seen.Count == 0)
        {
            tables.AddOutput(reservationId, sha256);
        }

        return seen.Count == 0 || seen.Contains(sha256);
    }

    /// <summary>
    /// An update has arrived in full. One that follows another of the same task, however long after, is charged once more where each was noised
    /// apart: this service has seen both (privacy rule 17).
    /// </summary>
    /// <param name="signed">The client's word that it made this update; null where it has no key.</param>
    /// <returns>Whether it may be stored: it is the task's first update, or one that was seen before and that no other stands in the place of.</returns>
    public static bool OnReceived(IBookTables tables, Guid reservationId, string sha256, SignedStatement? signed = null)
    {
        var isFirst = tables.Uploads(reservationId).All(upload => upload.Sha256 == sha256);
        var seen = OutputsOf(tables, reservationId, out var isNoised);
        if (!isNoised || seen.Contains(sha256))
        {
            return isFirst;
        }

        tables.AddOutput(reservationId, sha256);
        if (seen.Count == 0)
        {
            return true;
        }

        seen.ForEach(output => tables.AddOutput(reservationId, output));
        var member = tables.FindByReservation(reservationId)!;
        var book = tables.FindBook(member.RoundId)!;
        tables.Send(new ChargeOutput
        {
            RunId = book.RunId,
            RoundId = book.RoundId,
            Round = book.Round,
            ClientId = member.ClientId,
            ReservationId = reservationId,
            UpdateSha256 = sha256,
            Signed = signed,
        });
        return false;
    }

    /// <summary>Updates of a task that came or were offered: one that came before its book was stored, but not noted as an output.</summary>
    /// <param name="isNoised">Whether the run's clients add noise, as far as the task's book is known.</param>
    private static List<string> OutputsOf(IBookTables tables, Guid reservationId, out bool isNoised)
    {
        isNoised = tables.FindByReservation(reservationId) is { } member && tables.FindBook(member.RoundId) is { } book
            && tables.FindSpec(book.RunId) is { Privacy: { } privacy } && (privacy.HasLocal || privacy.HasExample);
        return [.. tables.Outputs(reservationId).Union(tables.Uploads(reservationId).Select(upload => upload.Sha256))];
    }

    private static BookDecision Save(IBookTables tables, BookDecision decision)
    {
        tables.Save(decision.Book);
        SendAll(tables, decision.Messages);
        return decision;
    }

    private static void SendAll(IBookTables tables, IEnumerable<object> messages)
    {
        foreach (var message in messages)
        {
            tables.Send(message);
        }
    }
}
