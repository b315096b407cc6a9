using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;

namespace FlEvents.Aggregator.Tests.Rounds;

/// <summary>A model was made from the frozen set: what the aggregation worker tells the book.</summary>
internal sealed record Combined(BlobRef Result);

/// <summary>An announcement, with what is wrong with the bytes it names.</summary>
internal sealed record Announced(UpdateSubmitted Message, BlobDefect? Defect);

/// <summary>One book in memory, with its members and the messages that came too early: what the consumers do, without their database.</summary>
internal sealed class BookWorld
{
    private readonly Queue<object> _replayed = new();

    public Book? Book { get; private set; }

    public SortedDictionary<string, BookMember> Members { get; } = new(StringComparer.Ordinal);

    public List<object> Early { get; } = [];

    public List<object> Sent { get; } = [];

    /// <summary>Client, hash and weight of the updates that are combined, in client-id order.</summary>
    public IReadOnlyList<(string ClientId, string? Sha256, int? Weight)> Manifest =>
        [.. Members.Values.Where(member => member.State == BookMemberState.Admitted).Select(member => (member.ClientId, member.UpdateSha256, member.Weight))];

    /// <summary>Takes a message and all it brings back.</summary>
    public void Deliver(object message)
    {
        Take(message);
        while (_replayed.TryDequeue(out var next))
        {
            Take(next);
        }
    }

    private void Take(object message)
    {
        if (message is OpenRound page)
        {
            Open(page);
        }
        else if (Book is null)
        {
            if (message is Announced or AggregateRound or RoundAbandoned)
            {
                Early.Add(message);
            }
        }
        else
        {
            Decide(Book, message);
        }
    }

    private void Decide(Book book, object message)
    {
        var decision = message switch
        {
            Announced m => BookProtocol.OnSubmitted(book, Members.GetValueOrDefault(m.Message.ClientId), m.Message, Messages.Spec, m.Defect),
            AggregateRound m => BookProtocol.OnAggregate(book, m),
            Combined m => BookProtocol.OnCombined(book, m.Result, null),
            BudgetCommitted m => BookProtocol.OnCommitted(book, m, 15),
            RoundAbandoned => BookProtocol.OnAbandoned(book),
            _ => throw new ArgumentException($"{message} is no message to a book."),
        };
        Book = decision.Book;
        Sent.AddRange(decision.Messages);
        if (decision.Member is { } member)
        {
            Members[member.ClientId] = member;
        }

        if (decision.Keep)
        {
            Early.Add(message);
        }
    }

    private void Open(OpenRound page)
    {
        Book ??= new Book
        {
            RoundId = page.RoundId,
            RunId = page.RunId,
            Round = page.Round,
            State = BookState.Open,
            BaseModel = page.BaseModel,
            CohortSize = page.CohortSize,
        };
        foreach (var member in page.Members)
        {
            (Book, Members[member.ClientId]) = BookProtocol.OnMember(Book, Members.GetValueOrDefault(member.ClientId), member);
        }

        Early.ForEach(_replayed.Enqueue);
        Early.Clear();
    }
}
