using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Events;

/// <summary>Keeps the event logs of runs.</summary>
public static class EventStore
{
    private const string SelectHead = """
        select sequence, hash, exists (select 1 from event where run_id = @RunId and round = @Round and type = @Type and subject = @Subject) as is_known
        from event where run_id = @RunId order by sequence desc limit 1
        """;

    /// <summary>The head of an event's log, and whether the log has it already.</summary>
    internal static (ChainHead Head, bool IsKnown) Head(Transaction transaction, LoggedEvent told) =>
        transaction.QuerySingleOrDefault<HeadRow>(SelectHead, new { told.RunId, told.Round, told.Type, told.Subject }) is { } row
            ? (new ChainHead(row.Sequence, row.Hash), row.IsKnown)
            : (HashChain.Empty, false);

    private const string InsertOne = """
        insert into event (run_id, sequence, type, round, subject, body, at, previous_hash, hash)
        values (@RunId, @Sequence, @Type, @Round, @Subject, @Body, @At, @PreviousHash, @Hash)
        """;

    internal static void Insert(Transaction transaction, LoggedEvent told, EventRecord record) => transaction.Execute(InsertOne, new
    {
        told.RunId,
        record.Sequence,
        record.Type,
        told.Round,
        told.Subject,
        record.Body,
        record.At,
        record.PreviousHash,
        record.Hash,
    });

    private const string SelectPage = """
        select sequence, type, at, body, previous_hash, hash from event where run_id = @runId and sequence > @after order by sequence limit @limit
        """;

    /// <summary>At most <paramref name="limit"/> records of a run that follow sequence <paramref name="after"/>.</summary>
    public static IReadOnlyList<EventRecord> Page(Transaction transaction, Guid runId, long after, int limit) =>
        transaction.Query<EventRecord>(SelectPage, new { runId, after, limit });

    private const string SelectIsWhole = """
        select not exists (
            select 1 from event as done where done.run_id = @runId and done.type = 'RoundAggregated' and done.body ->> 'updatesAdmitted' >
                (select count(*) from event where run_id = @runId and round = done.round and type = 'UpdateAdmitted'))
        """;

    /// <summary>Whether every update that went into a model is told: word of one may come after word of the model, where a deadline closed the round.</summary>
    public static bool IsWhole(Transaction transaction, Guid runId) => transaction.Scalar<bool>(SelectIsWhole, new { runId });

    private sealed record HeadRow
    {
        public required long Sequence { get; init; }
        public required string Hash { get; init; }
        public required bool IsKnown { get; init; }
    }
}
