using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps federated evaluations and the clients' counts and sums.</summary>
public static class EvaluationStore
{
    private const string InsertOne = """
        insert or ignore into evaluation (run_id, version, expected, answered, deadline_at) values (@runId, @version, @expected, 0, @deadlineAt)
        """;

    public static void Open(Transaction transaction, Guid runId, int version, int expected, DateTimeOffset deadlineAt) =>
        transaction.Execute(InsertOne, new { runId, version, expected, deadlineAt });

    private const string InsertAnswer = """
        insert or ignore into evaluation_answer (run_id, version, client_id, example_count, loss_sum, correct_count, absolute_error_sum)
        select @RunId, @Version, @ClientId, @ExampleCount, @LossSum, @CorrectCount, @AbsoluteErrorSum
        where exists (select 1 from evaluation where run_id = @RunId and version = @Version and closed_at is null)
        """;

    private const string CountAnswer = """
        update evaluation set answered = answered + 1, closed_at = case when answered + 1 >= expected then @now end
        where run_id = @runId and version = @version
        """;

    /// <returns>Whether it was the last answer awaited.</returns>
    public static bool Answer(Transaction transaction, EvaluationSubmitted answer)
    {
        if (transaction.Execute(InsertAnswer, answer) == 0)
        {
            return false;
        }

        transaction.Execute(CountAnswer, new { runId = answer.RunId, version = answer.Version, now = transaction.Now });
        return !IsOpen(transaction, answer.RunId);
    }

    private const string SelectOpen = "select exists (select 1 from evaluation where run_id = @runId and closed_at is null)";

    /// <summary>Whether an evaluation of the run still waits for answers.</summary>
    public static bool IsOpen(Transaction transaction, Guid runId) => transaction.Scalar<bool>(SelectOpen, new { runId });

    private const string SelectPastDeadline = "select distinct run_id from evaluation where closed_at is null and deadline_at <= @now";

    public static IReadOnlyList<Guid> PastDeadline(Transaction transaction) => transaction.Query<Guid>(SelectPastDeadline, new { now = transaction.Now });

    private const string CloseDue = "update evaluation set closed_at = @now where run_id = @runId and closed_at is null and deadline_at <= @now";

    public static void Close(Transaction transaction, Guid runId) => transaction.Execute(CloseDue, new { runId, now = transaction.Now });

    private const string SelectMeans = """
        select version, sum(example_count > 0) as Clients, sum(example_count) as ExampleCount, sum(loss_sum) as LossSum, sum(correct_count) as CorrectCount,
            sum(absolute_error_sum) as AbsoluteErrorSum
        from (select * from evaluation_answer where run_id = @runId order by version, client_id)
        group by version having sum(example_count) > 0
        """;

    /// <summary>Means by model version, over all validation examples that were scored.</summary>
    public static IReadOnlyDictionary<int, FederatedEvaluationView> OfRun(Transaction transaction, Guid runId) => transaction
        .Query<Row>(SelectMeans, new { runId })
        .ToDictionary(row => row.Version, row => new FederatedEvaluationView
        {
            Clients = row.Clients,
            ExampleCount = row.ExampleCount,
            Loss = row.LossSum / row.ExampleCount,
            Accuracy = row.CorrectCount / (double?)row.ExampleCount,
            MeanAbsoluteError = row.AbsoluteErrorSum / row.ExampleCount,
        });

    private sealed record Row
    {
        public required int Version { get; init; }
        public required int Clients { get; init; }
        public required long ExampleCount { get; init; }
        public required double LossSum { get; init; }
        public long? CorrectCount { get; init; }
        public double? AbsoluteErrorSum { get; init; }
    }
}
