using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>Keeps for good which noised updates ever came, or were offered, for a task.</summary>
public static class OutputStore
{
    private const string SelectOfReservation = "select sha256 from output where reservation_id = @reservationId";

    public static IReadOnlyList<string> OfReservation(Transaction transaction, Guid reservationId) =>
        transaction.Query<string>(SelectOfReservation, new { reservationId });

    private const string InsertOne = "insert or ignore into output (reservation_id, sha256) values (@reservationId, @sha256)";

    public static void Insert(Transaction transaction, Guid reservationId, string sha256) => transaction.Execute(InsertOne, new { reservationId, sha256 });
}
