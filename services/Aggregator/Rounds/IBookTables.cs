using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;

namespace FlEvents.Aggregator.Rounds;

/// <summary>The rows that a step of a book reads and writes, and what it sends: all of it commits together, or nothing of it.</summary>
public interface IBookTables
{
    /// <summary>The run a book belongs to; null when this service has not been told of it.</summary>
    RunSpec? FindSpec(Guid runId);

    Book? FindBook(Guid roundId);

    void Save(Book book);

    BookMember? FindMember(Guid roundId, string clientId);

    BookMember? FindByReservation(Guid reservationId);

    void Save(BookMember member);

    /// <summary>Members of a book that were sent a task for its round: all but those whose late updates it was given.</summary>
    int CountTasks(Guid roundId);

    /// <summary>Keeps a message until the round's book grows.</summary>
    void KeepEarly(Guid roundId, object message);

    /// <summary>Sends kept messages of a round to this service again, as new ones.</summary>
    void ReplayEarly(Guid roundId);

    /// <summary>Updates received for a task, until its round is final.</summary>
    IReadOnlyList<Upload> Uploads(Guid reservationId);

    /// <summary>Hashes of the updates that ever came or were offered for a task, where its client adds noise.</summary>
    IReadOnlyList<string> Outputs(Guid reservationId);

    void AddOutput(Guid reservationId, string sha256);

    /// <summary>Notes a released model as the run's newest.</summary>
    void AddRelease(Guid runId, int version, BlobRef model);

    void Send(object message);

    /// <summary>Deletes sent messages of a run's rounds before <paramref name="round"/>, which are final everywhere.</summary>
    void ForgetSent(Guid runId, int round);
}
