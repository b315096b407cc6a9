using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>What books and outputs tell of the ledger: receipts it gave, and what it was asked to charge.</summary>
public static class ReceiptStore
{
    private const string SelectReceipts = """
        select rowid as Position, receipt_seq as Sequence, receipt_hash as Hash from book
        where rowid > @cursor and receipt_seq > @after order by rowid limit @limit
        """;

    /// <summary>Receipts of books, from after an entry of the log.</summary>
    /// <param name="cursor">Position of the last one; 0 for none.</param>
    /// <returns>At most <see cref="Page.LargestCharged"/>, and where the rest begins; null at the end.</returns>
    public static (IReadOnlyList<LedgerReceipt> Receipts, long? Next) Next(Transaction transaction, long cursor, long after)
    {
        var rows = transaction.Query<Row>(SelectReceipts, new { cursor, after, limit = Page.LargestCharged });
        return ([.. rows.Select(row => new LedgerReceipt { Sequence = row.Sequence, Hash = row.Hash })], rows.Count == Page.LargestCharged ? rows[^1].Position : null);
    }

    // The task's first one is covered by its reservation. Where it is not known which that was, all are told: charging twice does no harm.
    private const string SelectFurther = """
        select b.run_id, b.round_id, b.round, m.client_id, o.reservation_id, o.sha256 as update_sha256
        from output o join book_member m using (reservation_id) join book b using (round_id)
        where o.reservation_id in (select reservation_id from output group by reservation_id having count(*) > 1)
            and o.sha256 <> @unknown and o.sha256 is not m.update_sha256
        order by o.reservation_id, o.sha256
        """;

    /// <summary>Every further output of a task that was to be charged, however long ago.</summary>
    public static IReadOnlyList<ChargeOutput> FurtherOutputs(Transaction transaction) =>
        transaction.Query<ChargeOutput>(SelectFurther, new { unknown = RestoredBooks.UnknownOutput });

    private sealed record Row
    {
        public required long Position { get; init; }
        public required long Sequence { get; init; }
        public required string Hash { get; init; }
    }
}
