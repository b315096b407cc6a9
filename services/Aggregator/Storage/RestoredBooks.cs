using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Aggregator.Storage;

/// <summary>
/// What a restored Aggregator does about the books that it knows: it closes those that were not final. Their updates may be gone, and their models be out.
/// </summary>
internal static class RestoredBooks
{
    /// <summary>Stands for an update that may have come since the copy was taken.</summary>
    public const string UnknownOutput = "unknown";

    // What comes now for one of these tasks may be its second output: it is charged as one (privacy rule 17).
    private const string InsertUnknownOutputs = """
        insert or ignore into output (reservation_id, sha256)
        select reservation_id, @unknown from book_member where round_id in (select round_id from book where state not in ('Released', 'Abandoned'))
        """;

    private const string AbandonBooks = "update book set state = 'Abandoned' where state not in ('Released', 'Abandoned')";

    /// <remarks>The Orchestrator hears of it by <see cref="ServiceRestored"/>, gives the rounds up and has their charges committed.</remarks>
    public static void Close(Transaction transaction)
    {
        transaction.Execute(InsertUnknownOutputs, new { unknown = UnknownOutput });
        transaction.Execute(AbandonBooks);
    }

    private const string SelectOpen = "select round_id, run_id, round from book where run_id = @runId and state = 'Open'";

    private const string AbandonOpen = "update book set state = 'Abandoned' where run_id = @runId and state = 'Open'";

    /// <summary>Closes what is open of a run that is over: rounds that its Orchestrator no longer knows of. Their charges stay.</summary>
    /// <returns>The rounds.</returns>
    public static IReadOnlyList<Guid> CloseRun(Transaction transaction, Guid runId)
    {
        var rounds = transaction.Query<CommitBudget>(SelectOpen, new { runId });
        transaction.Execute(AbandonOpen, new { runId });
        transaction.SendAll(rounds);
        return [.. rounds.Select(round => round.RoundId)];
    }
}
