using System.Collections.Immutable;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>The Aggregator's durable rows and folders, and what it has in hand.</summary>
internal sealed record AggregatorRows
{
    public ImmutableSortedDictionary<Guid, RunSpec> Runs { get; init; } = ImmutableSortedDictionary<Guid, RunSpec>.Empty;

    public ImmutableSortedDictionary<Guid, Book> Books { get; init; } = ImmutableSortedDictionary<Guid, Book>.Empty;

    /// <summary>By round and client.</summary>
    public ImmutableSortedDictionary<string, BookMember> Members { get; init; } = ImmutableSortedDictionary.Create<string, BookMember>(StringComparer.Ordinal);

    /// <summary>Messages that came before their book, in order of their numbers.</summary>
    public ImmutableSortedDictionary<Guid, ImmutableList<int>> Early { get; init; } = ImmutableSortedDictionary<Guid, ImmutableList<int>>.Empty;

    /// <summary>Rows of received updates: task and hash.</summary>
    public ImmutableSortedSet<(Guid ReservationId, string Sha256)> Uploads { get; init; } = [];

    /// <summary>Noised updates that ever came, in rows that stay.</summary>
    public ImmutableSortedSet<(Guid ReservationId, string Sha256)> Outputs { get; init; } = [];

    /// <summary>Updates' bytes that have their name.</summary>
    public ImmutableSortedSet<string> Updates { get; init; } = Names;

    /// <summary>Models in the private folder.</summary>
    public ImmutableSortedSet<string> Unreleased { get; init; } = Names;

    /// <summary>Models that may be read, but for the initial ones.</summary>
    public ImmutableSortedSet<string> Readable { get; init; } = Names;

    /// <summary>Models that were made and are not named yet, by round; lost when the process dies.</summary>
    public ImmutableSortedDictionary<Guid, string> InHand { get; init; } = ImmutableSortedDictionary<Guid, string>.Empty;

    /// <summary>How often noise was drawn for a round. It stands for nothing that is stored: it tells one draw from another.</summary>
    public ImmutableSortedDictionary<Guid, int> Draws { get; init; } = ImmutableSortedDictionary<Guid, int>.Empty;

    /// <summary>Every update that ever came here, taken or turned away. It stands for nothing that is stored: it is what the invariants look at.</summary>
    public ImmutableSortedSet<(Guid ReservationId, string Sha256)> Seen { get; init; } = [];

    /// <summary>What makes a model of a round: the admitted updates, late ones of earlier rounds among them, in order of client id.</summary>
    public IReadOnlyList<BookMember> Manifest(Guid roundId) =>
    [
        .. Members.Values
            .Where(member => member.CarriedTo == roundId || (member.RoundId == roundId && member.State == BookMemberState.Admitted))
            .OrderBy(member => member.ClientId, StringComparer.Ordinal),
    ];

    public object Content => new
    {
        Runs = Runs.Keys,
        Books = Books.Values,
        Members = Members.Values,
        Early,
        Uploads = Uploads.Select(Text),
        Outputs = Outputs.Select(Text),
        Updates,
        Unreleased,
        Readable,
        InHand,
        Draws,
        Seen = Seen.Select(Text),
    };

    private static ImmutableSortedSet<string> Names => ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    private static string Text((Guid ReservationId, string Sha256) upload) => $"{upload.ReservationId}/{upload.Sha256}";
}

/// <summary>The same tables that the Aggregator has in its database, over <see cref="AggregatorRows"/>.</summary>
internal sealed class AggregatorTables(Mail mail, AggregatorRows rows) : IBookTables
{
    public AggregatorRows Rows { get; set; } = rows;

    public List<Envelope> Sent { get; } = [];

    public RunSpec? FindSpec(Guid runId) => Rows.Runs.GetValueOrDefault(runId);

    public Book? FindBook(Guid roundId) => Rows.Books.GetValueOrDefault(roundId);

    public void Save(Book book) => Rows = Rows with { Books = Rows.Books.SetItem(book.RoundId, book) };

    public BookMember? FindMember(Guid roundId, string clientId) => Rows.Members.GetValueOrDefault(Key(roundId, clientId));

    public BookMember? FindByReservation(Guid reservationId) => Rows.Members.Values.SingleOrDefault(member => member.ReservationId == reservationId);

    public void Save(BookMember member) => Rows = Rows with { Members = Rows.Members.SetItem(Key(member.RoundId, member.ClientId), member) };

    public int CountTasks(Guid roundId) => Rows.Members.Values.Count(member => member.RoundId == roundId);

    public void KeepEarly(Guid roundId, object message)
    {
        var kept = Rows.Early.GetValueOrDefault(roundId, []).Add(mail.Messages.IdOf(new Envelope(Routes.Aggregator, message)));
        Rows = Rows with { Early = Rows.Early.SetItem(roundId, kept.Sort()) };
    }

    public void ReplayEarly(Guid roundId)
    {
        Sent.AddRange(Rows.Early.GetValueOrDefault(roundId, []).Select(message => mail.Messages[message]));
        Rows = Rows with { Early = Rows.Early.Remove(roundId) };
    }

    public IReadOnlyList<Upload> Uploads(Guid reservationId) =>
        [.. Rows.Uploads.Where(upload => upload.ReservationId == reservationId).Select(upload => new Upload { ReservationId = reservationId, Sha256 = upload.Sha256, Size = 100 })];

    public IReadOnlyList<string> Outputs(Guid reservationId) => [.. Rows.Outputs.Where(output => output.ReservationId == reservationId).Select(output => output.Sha256)];

    public void AddOutput(Guid reservationId, string sha256) => Rows = Rows with { Outputs = Rows.Outputs.Add((reservationId, sha256)) };

    public void AddRelease(Guid runId, int version, BlobRef model)
    {
    }

    public void Send(object message) => Sent.AddRange(Envelope.Of(message));

    // What was sent once can come again at any time: that is more than the outbox keeps.
    public void ForgetSent(Guid runId, int round)
    {
    }

    private static string Key(Guid roundId, string clientId) => $"{roundId}/{clientId}";
}
