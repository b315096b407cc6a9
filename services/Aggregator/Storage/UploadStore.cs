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

    private const string WithRound = """
        select u.reservation_id, u.sha256, u.size from upload u
        left join book_member m using (reservation_id) left join book b using (round_id) left join run r using (run_id)
        """;

    // An update that is late, or whose announcement may be on its way, is needed as long as a later round may take it, and until that round is final.
    private const string IsOver = """
        b.state in ('Released', 'Abandoned') and (m.has_left or coalesce(json_extract(r.spec, '$.keepUpdates'), 'none') = 'none')
        and case
            when m.carried_to is not null then exists (select 1 from book n where n.round_id = m.carried_to and n.state in ('Released', 'Abandoned'))
            when m.state in ('Open', 'Late') and not m.has_left then exists
                (select 1 from book n where n.run_id = b.run_id and n.round > b.round + coalesce(json_extract(r.spec, '$.aggregation.lateRounds'), 0))
                or coalesce(json_extract(r.spec, '$.aggregation.lateRounds'), 0) = 0
            else true
        end
        """;

    private const string SelectOverOfRound = $"{WithRound} where @roundId in (m.round_id, m.carried_to) and {IsOver}";

    /// <summary>Updates of a round that nobody needs: it is final, and its run keeps none or their client has left.</summary>
    public static IReadOnlyList<Upload> OverOfRound(Transaction transaction, Guid roundId) => transaction.Query<Upload>(SelectOverOfRound, new { roundId });

    private const string SelectOver = $"{WithRound} where ((m.round_id is null or m.state in ('Open', 'Late')) and m.carried_to is null and b.state is not 'Open' and b.state is not 'Frozen' and u.received_at < @before) or ({IsOver}) limit 10000";

    /// <summary>Updates nobody needs: of all such rounds, and those no round has claimed since <paramref name="before"/>.</summary>
    public static IReadOnlyList<Upload> Over(Transaction transaction, DateTimeOffset before) => transaction.Query<Upload>(SelectOver, new { before });

    private const string SelectIsClosed = """
        select exists (select 1 from book_member m join book b using (round_id) where m.reservation_id = @reservationId and b.state in ('Released', 'Abandoned'))
        """;

    /// <summary>Whether a task's round is final.</summary>
    public static bool IsClosed(Transaction transaction, Guid reservationId) => transaction.Scalar<bool>(SelectIsClosed, new { reservationId });

    private const string DeleteOne = "delete from upload where reservation_id = @ReservationId and sha256 = @Sha256";

    public static void Delete(Transaction transaction, Upload upload) => transaction.Execute(DeleteOne, upload);

    private const string SelectIsReferenced = "select exists (select 1 from upload where sha256 = @sha256)";

    /// <summary>Whether some task's update has these bytes.</summary>
    public static bool IsReferenced(Transaction transaction, string sha256) => transaction.Scalar<bool>(SelectIsReferenced, new { sha256 });

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
