using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>Keeps which updates were received, for which task.</summary>
public static class UploadStore
{
    private const string InsertOne = """
        insert or ignore into upload (reservation_id, sha256, size, received_at) values (@reservationId, @sha256, @size, @now)
        """;

    public static void Insert(Transaction transaction, Guid reservationId, string sha256, long size) =>
        transaction.Execute(InsertOne, new { reservationId, sha256, size, now = transaction.Now });

    private const string SelectOfReservation = "select sha256, size from upload where reservation_id = @reservationId";

    /// <summary>Updates received for a task; more than one only when a client sent different ones.</summary>
    public static IReadOnlyList<Upload> OfReservation(Transaction transaction, Guid reservationId) =>
        transaction.Query<Upload>(SelectOfReservation, new { reservationId });

    private const string SelectOfRound = """
        select u.reservation_id, u.sha256, u.size from upload u join book_member m using (reservation_id) where m.round_id = @roundId
        """;

    public static IReadOnlyList<Upload> OfRound(Transaction transaction, Guid roundId) => transaction.Query<Upload>(SelectOfRound, new { roundId });

    private const string SelectOfClient = """
        select u.reservation_id, u.sha256, u.size from upload u join book_member m using (reservation_id) join book b using (round_id)
        where m.client_id = @clientId and b.state in ('Released', 'Abandoned')
        """;

    /// <summary>A client's updates of rounds that are final.</summary>
    public static IReadOnlyList<Upload> OfClient(Transaction transaction, string clientId) => transaction.Query<Upload>(SelectOfClient, new { clientId });

    private const string SelectCollectable = """
        select u.reservation_id, u.sha256, u.size from upload u
        left join book_member m using (reservation_id) left join book b using (round_id) left join run r using (run_id)
        where (m.round_id is null and u.received_at < @before)
            or (b.state in ('Released', 'Abandoned') and coalesce(json_extract(r.spec, '$.keepUpdates'), 'none') = 'none')
        limit 10000
        """;

    /// <summary>Updates nobody needs: of final rounds whose run keeps none, and those no round has claimed since <paramref name="before"/>.</summary>
    public static IReadOnlyList<Upload> Collectable(Transaction transaction, DateTimeOffset before) => transaction.Query<Upload>(SelectCollectable, new { before });

    private const string DeleteOne = "delete from upload where reservation_id = @ReservationId and sha256 = @Sha256";
    private const string CountOfHash = "select count(*) from upload where sha256 = @Sha256";

    /// <returns>Whether no other task refers to the same bytes, so that they may be deleted.</returns>
    public static bool Delete(Transaction transaction, Upload upload)
    {
        transaction.Execute(DeleteOne, upload);
        return transaction.Scalar<int>(CountOfHash, upload) == 0;
    }

    private const string SelectHashes = "select distinct sha256 from upload";

    public static IReadOnlySet<string> Hashes(Transaction transaction) => transaction.Query<string>(SelectHashes).ToHashSet(StringComparer.Ordinal);
}

/// <summary>One received update.</summary>
public record Upload
{
    public Guid ReservationId { get; init; }
    public required string Sha256 { get; init; }
    public required long Size { get; init; }
}
