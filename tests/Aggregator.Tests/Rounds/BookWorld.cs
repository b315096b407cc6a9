using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;

namespace FlEvents.Aggregator.Tests.Rounds;

/// <summary>A model was made from the frozen set: what the aggregation worker tells the book.</summary>
internal sealed record Combined(BlobRef Result);

/// <summary>An announcement, with what is wrong with the bytes it names.</summary>
internal sealed record Announced(UpdateSubmitted Message, BlobDefect? Defect);

/// <summary>One book in memory, with its members and the messages that came too early: <see cref="Bookkeeping"/> without a database.</summary>
internal sealed class BookWorld : IBookTables
{
    private readonly Queue<object> _replayed = new();
    private object? _taken;

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

    RunSpec? IBookTables.FindSpec(Guid runId) => Messages.Spec;

    Book? IBookTables.FindBook(Guid roundId) => Book;

    void IBookTables.Save(Book book) => Book = book;

    BookMember? IBookTables.FindMember(Guid roundId, string clientId) => Members.GetValueOrDefault(clientId);

    BookMember? IBookTables.FindByReservation(Guid reservationId) => Members.Values.SingleOrDefault(member => member.ReservationId == reservationId);

    void IBookTables.Save(BookMember member) => Members[member.ClientId] = member;

    int IBookTables.CountTasks(Guid roundId) => Members.Count;

    void IBookTables.KeepEarly(Guid roundId, object message) => Early.Add(_taken!);

    void IBookTables.ReplayEarly(Guid roundId)
    {
        Early.ForEach(_replayed.Enqueue);
        Early.Clear();
    }

    IReadOnlyList<Upload> IBookTables.Uploads(Guid reservationId) => [];

    IReadOnlyList<string> IBookTables.Outputs(Guid reservationId) => [];

    void IBookTables.AddOutput(Guid reservationId, string sha256)
    {
    }

    void IBookTables.AddRelease(Guid runId, int version, BlobRef model)
    {
    }

    void IBookTables.Send(object message) => Sent.Add(message);

    void IBookTables.ForgetSent(Guid runId, int round)
    {
    }

    private void Take(object message)
    {
        _taken = message;
        switch (message)
        {
            case OpenRound m:
                Bookkeeping.On(this, m);
                break;
            case Announced m:
                Bookkeeping.On(this, m.Message, m.Defect);
                break;
            case AggregateRound m:
                Bookkeeping.On(this, m);
                break;
            case RoundAbandoned m:
                Bookkeeping.On(this, m);
                break;
            case Combined m when Book is not null:
                Bookkeeping.OnCombined(this, Book.RoundId, m.Result, null, null);
                break;
            case BudgetCommitted m when Book is not null:
                Bookkeeping.On(this, m, 15);
                break;
        }
    }
}
