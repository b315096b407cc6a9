using FlEvents.Aggregator.Rounds;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>The tables of books, inside one transaction.</summary>
public sealed class BookTables(Transaction transaction, RunModels runs) : IBookTables
{
    public RunSpec? FindSpec(Guid runId) => runs.Find(runId)?.Spec;

    public Book? FindBook(Guid roundId) => BookStore.Find(transaction, roundId);

    public void Save(Book book) => BookStore.Save(transaction, book);

    public BookMember? FindMember(Guid roundId, string clientId) => BookStore.FindMember(transaction, roundId, clientId);

    public BookMember? FindByReservation(Guid reservationId) => BookStore.FindByReservation(transaction, reservationId);

    public void Save(BookMember member) => BookStore.SaveMember(transaction, member);

    public int CountTasks(Guid roundId) => BookStore.CountTasks(transaction, roundId);

    public void KeepEarly(Guid roundId, object message) => BookStore.KeepEarly(transaction, roundId, message);

    public void ReplayEarly(Guid roundId) => BookStore.ReplayEarly(transaction, roundId);

    public IReadOnlyList<Upload> Uploads(Guid reservationId) => UploadStore.OfReservation(transaction, reservationId);

    public IReadOnlyList<string> Outputs(Guid reservationId) => OutputStore.OfReservation(transaction, reservationId);

    public void AddOutput(Guid reservationId, string sha256) => OutputStore.Insert(transaction, reservationId, sha256);

    public void AddRelease(Guid runId, int version, BlobRef model) => ModelStore.Release(transaction, runId, version, model);

    public void Send(object message) => transaction.Send(message);

    public void ForgetSent(Guid runId, int round) => transaction.ForgetSent(runId, round);
}
