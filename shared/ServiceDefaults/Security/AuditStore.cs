using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Security;

/// <summary>Keeps the audit log. Triggers refuse to change or delete a row.</summary>
public static class AuditStore
{
    private const string SelectHead = "select sequence, hash from audit order by sequence desc limit 1";

    public static ChainHead Head(Transaction transaction) =>
        transaction.QuerySingleOrDefault<HeadRow>(SelectHead) is { } row ? new ChainHead(row.Sequence, row.Hash) : HashChain.Empty;

    private const string InsertOne = """
        insert into audit (sequence, step, at, answers, who, method, route, path, scope, remote, body_sha256, status, previous_hash, hash)
        values (@Sequence, @Step, @At, @Answers, @Who, @Method, @Route, @Path, @Scope, @Remote, @BodySha256, @Status, @PreviousHash, @Hash)
        """;

    /// <summary>Adds a row at the head.</summary>
    /// <param name="row">Its time, its place in the chain and its hash are set here.</param>
    /// <returns>Its sequence.</returns>
    internal static long Append(Transaction transaction, AuditRow row)
    {
        var placed = AuditChain.Append(Head(transaction), row with { At = TimestampHandler.Format(transaction.Now) });
        transaction.Execute(InsertOne, placed);
        return placed.Sequence;
    }

    private const string SelectPage = """
        select sequence, step, at, answers, who, method, route, path, scope, remote, body_sha256, status, previous_hash, hash
        from audit where sequence > @after order by sequence limit @limit
        """;

    /// <summary>At most <paramref name="limit"/> rows that follow sequence <paramref name="after"/>.</summary>
    public static IReadOnlyList<AuditRow> Page(Transaction transaction, long after, int limit) => transaction.Query<AuditRow>(SelectPage, new { after, limit });

    private sealed record HeadRow
    {
        public required long Sequence { get; init; }
        public required string Hash { get; init; }
    }
}
