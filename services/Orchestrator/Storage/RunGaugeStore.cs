using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Runs;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Reads what <see cref="RunMetrics"/> shows; nothing that grows with the rounds that have ended.</summary>
public static class RunGaugeStore
{
    /// <summary>Every silo's queue is named after its client; they are told together, under this name.</summary>
    public const string Silos = "fl-silo";

    private const string CountRuns = "select state as Name, count(*) as Count from run group by state";

    private const string SelectShown = """
        select run_id from run order by state in ('Preparing', 'Running', 'Paused') desc, created_at desc, run_id limit @limit
        """;

    private const string CountOpenRounds = "select state as Name, count(*) as Count from round where state not in ('Done', 'Abandoned') group by state";

    private const string CountTasks = """
        select address as Address, state as State, count(*) as Count from
        (
            select address, state, round_id from member where state = 'Waiting'
            union all
            select address, state, round_id from member where state in ('Dispatched', 'Accepted')
        )
        where round_id in (select round_id from round where state not in ('Done', 'Abandoned') and state in ('Dispatched', 'Collecting'))
        group by address, state
        """;

    private const string CountWorkers = """
        select coalesce('fl-pool-' || pool, 'fl-silo-' || client_id) as Address, count(*) filter (where seen_at >= @aliveSince) as Workers,
            coalesce(sum(slots) filter (where seen_at >= @aliveSince), 0) as Slots
        from worker group by 1
        """;

    /// <param name="runs">Runs that have series of their own: those that are not over first, then the newest.</param>
    /// <param name="timeout">How long after its last heartbeat a worker counts as there.</param>
    public static RunGauges Read(Transaction transaction, int runs, TimeSpan timeout)
    {
        var workers = transaction.Query<WorkerRow>(CountWorkers, new { aliveSince = transaction.Now - timeout });
        var tasks = transaction.Query<TaskRow>(CountTasks);
        return new RunGauges
        {
            Runs = transaction.Query<CountRow>(CountRuns).ToDictionary(row => Enum.Parse<RunState>(row.Name), row => row.Count),
            OpenRounds = transaction.Query<CountRow>(CountOpenRounds).ToDictionary(row => Enum.Parse<RoundState>(row.Name), row => row.Count),
            Shown = [.. transaction.Query<Guid>(SelectShown, new { limit = runs }).Select(runId => Of(transaction, RunStore.Find(transaction, runId)!))],
            Workers = workers.Sum(row => row.Workers),
            Queues =
            [
                .. from address in workers.Select(row => row.Address).Union(tasks.Select(row => row.Address))
                   group address by Queue(address) into queue
                   select new QueueGauges
                   {
                       Queue = queue.Key,
                       Slots = workers.Where(row => Queue(row.Address) == queue.Key).Sum(row => row.Slots),
                       Waiting = tasks.Where(row => Queue(row.Address) == queue.Key && row.State != nameof(MemberState.Accepted)).Sum(row => row.Count),
                       Leased = tasks.Where(row => Queue(row.Address) == queue.Key && row.State == nameof(MemberState.Accepted)).Sum(row => row.Count),
                   },
            ],
        };
    }

    private static string Queue(string address) => address.StartsWith(Routes.Silo(""), StringComparison.Ordinal) ? Silos : address;

    private const string SelectEvaluation = """
        select evaluation from round where run_id = @runId and number > @round - @most and evaluation is not null order by number desc limit 1
        """;

    private const string SelectFederated = """
        select sum(loss_sum) / sum(example_count) as Loss, cast(sum(correct_count) as real) / sum(example_count) as Accuracy
        from evaluation_answer
        where run_id = @runId and version = (select max(version) from evaluation where run_id = @runId and closed_at is not null)
        having sum(example_count) > 0
        """;

    private static ShownRun Of(Transaction transaction, Run run)
    {
        var round = RoundStore.OfRun(transaction, run.RunId, run.Round) is [{ IsFinal: false } open] ? open : null;
        var evaluation = run.Spec.Evaluation.DataSet is null
            ? null
            : transaction.Scalar<string?>(SelectEvaluation, new { runId = run.RunId, round = run.Round, most = run.Spec.Evaluation.EveryRounds + 100 });

        // The clients' scores are computed from their data: never of a private run, whatever its other settings.
        var federated = run.Spec.Evaluation.Federated && !run.Spec.Privacy.IsPrivate
            ? transaction.QuerySingleOrDefault<ScoreRow>(SelectFederated, new { runId = run.RunId })
            : null;
        return new ShownRun(
            run,
            round,
            evaluation is null ? null : JsonSerializer.Deserialize<ModelEvaluation>(evaluation, RunStore.Json),
            federated is null ? null : new Scores(federated.Loss, federated.Accuracy));
    }

    private const string CountReasons = """
        select state as State, case when detail is null then '' else substr(detail, 1, instr(detail || ':', ':') - 1) end as Code, count(*) as Count
        from member where round_id = @roundId and state in ('Dispatched', 'Accepted', 'Rejected', 'Refused', 'Failed') group by 1, 2
        """;

    /// <summary>Members of a round that gave no update, or one that was turned away: how many for each state and reason code; the code is empty where none came.</summary>
    public static IReadOnlyList<(MemberState State, string Code, long Count)> Reasons(Transaction transaction, Guid roundId) =>
        [.. transaction.Query<ReasonRow>(CountReasons, new { roundId }).Select(row => (Enum.Parse<MemberState>(row.State), row.Code, row.Count))];

    private sealed record CountRow
    {
        public required string Name { get; init; }
        public required long Count { get; init; }
    }

    private sealed record TaskRow
    {
        public required string Address { get; init; }
        public required string State { get; init; }
        public required long Count { get; init; }
    }

    private sealed record WorkerRow
    {
        public required string Address { get; init; }
        public required long Workers { get; init; }
        public required long Slots { get; init; }
    }

    private sealed record ReasonRow
    {
        public required string State { get; init; }
        public required string Code { get; init; }
        public required long Count { get; init; }
    }

    private sealed record ScoreRow
    {
        public required double Loss { get; init; }
        public double? Accuracy { get; init; }
    }
}

/// <summary>Runs, rounds and queues as of one moment.</summary>
public sealed record RunGauges
{
    public required IReadOnlyDictionary<RunState, long> Runs { get; init; }

    public required IReadOnlyDictionary<RoundState, long> OpenRounds { get; init; }

    public required IReadOnlyList<ShownRun> Shown { get; init; }

    /// <summary>Live workers.</summary>
    public required long Workers { get; init; }

    public required IReadOnlyList<QueueGauges> Queues { get; init; }
}

/// <summary>A queue of workers: training slots of the live ones, tasks that wait for one, and tasks that one has accepted.</summary>
public sealed record QueueGauges
{
    public required string Queue { get; init; }
    public required long Slots { get; init; }
    public required long Waiting { get; init; }
    public required long Leased { get; init; }
}

/// <summary>A run with series of its own.</summary>
/// <param name="Open">The round in progress; null between rounds.</param>
/// <param name="HeldOut">The newest scores on public held-out data.</param>
/// <param name="Clients">The newest means over the clients' validation data; null in a private run.</param>
public sealed record ShownRun(Run Run, Round? Open, ModelEvaluation? HeldOut, Scores? Clients);

/// <summary>How good a model is.</summary>
public sealed record Scores(double Loss, double? Accuracy);
