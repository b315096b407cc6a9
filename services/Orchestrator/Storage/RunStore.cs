using System.Collections.Concurrent;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Runs;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps runs.</summary>
public static class RunStore
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private const int MostSpecs = 64;
    private static readonly ConcurrentDictionary<string, RunSpec> Specs = new(StringComparer.Ordinal);

    private const string Columns = """
        run_id, spec, state, round, ended_round, abandoned_in_row, stop_requested, model_sha256, model_size, model_version, parameter_count,
        created_at, ended_at, reason, idempotency_key, request_sha256,
        case when state not in ('Preparing', 'Running', 'Paused')
            then (select hash from event where event.run_id = run.run_id order by sequence desc limit 1) end as events_head
        """;

    private const string SelectOne = $"select {Columns} from run where run_id = @runId";

    public static Run? Find(Transaction transaction, Guid runId) => transaction.QuerySingleOrDefault<Row>(SelectOne, new { runId })?.ToRun();

    private const string SelectAll = $"select {Columns} from run order by created_at desc, run_id limit @limit";

    public static IReadOnlyList<Run> Newest(Transaction transaction, int limit) =>
        transaction.Query<Row>(SelectAll, new { limit }).Select(row => row.ToRun()).ToList();

    private const string SelectActive = $"select {Columns} from run where state in ('Preparing', 'Running', 'Paused') order by created_at, run_id";

    /// <summary>Runs that are not over, the oldest first.</summary>
    public static IReadOnlyList<Run> Active(Transaction transaction) => transaction.Query<Row>(SelectActive).Select(row => row.ToRun()).ToList();

    private const string SelectByKey = $"select {Columns} from run where idempotency_key = @key";

    /// <summary>The run a key has made already, with the hash of the request that made it.</summary>
    public static (Run Run, string RequestSha256)? FindByKey(Transaction transaction, string key) =>
        transaction.QuerySingleOrDefault<Row>(SelectByKey, new { key }) is { } row ? (row.ToRun(), row.RequestSha256) : null;

    private const string InsertOne = """
        insert into run (run_id, idempotency_key, request_sha256, spec, state, round, ended_round, abandoned_in_row, stop_requested, created_at)
        values (@RunId, @IdempotencyKey, @RequestSha256, @Spec, @State, @Round, @EndedRound, @AbandonedInRow, @StopRequested, @CreatedAt)
        """;

    public static void Insert(Transaction transaction, Run run, string? idempotencyKey, string requestSha256) =>
        transaction.Execute(InsertOne, Row.Of(run) with { IdempotencyKey = idempotencyKey, RequestSha256 = requestSha256 });

    private const string UpdateOne = """
        update run set state = @State, round = @Round, ended_round = @EndedRound, abandoned_in_row = @AbandonedInRow, stop_requested = @StopRequested,
            model_sha256 = @ModelSha256, model_size = @ModelSize, model_version = @ModelVersion, parameter_count = @ParameterCount,
            ended_at = @EndedAt, reason = @Reason
        where run_id = @RunId
        """;

    public static void Update(Transaction transaction, Run run) => transaction.Execute(UpdateOne, Row.Of(run));

    // Every message about a run reads it, and its spec never changes.
    private static RunSpec SpecOf(string text)
    {
        if (Specs.TryGetValue(text, out var known))
        {
            return known;
        }

        if (Specs.Count >= MostSpecs)
        {
            Specs.Clear();
        }

        return Specs.GetOrAdd(text, JsonSerializer.Deserialize<RunSpec>(text, Json)!);
    }

    private sealed record Row
    {
        public required Guid RunId { get; init; }
        public string? IdempotencyKey { get; init; }
        public string RequestSha256 { get; init; } = "";
        public required string Spec { get; init; }
        public required string State { get; init; }
        public required int Round { get; init; }
        public required int EndedRound { get; init; }
        public required int AbandonedInRow { get; init; }
        public required bool StopRequested { get; init; }
        public string? ModelSha256 { get; init; }
        public long? ModelSize { get; init; }
        public int? ModelVersion { get; init; }
        public int? ParameterCount { get; init; }
        public required DateTimeOffset CreatedAt { get; init; }
        public DateTimeOffset? EndedAt { get; init; }
        public string? Reason { get; init; }
        public string? EventsHead { get; init; }

        public static Row Of(Run run) => new()
        {
            RunId = run.RunId,
            Spec = JsonSerializer.Serialize(run.Spec, Json),
            State = run.State.ToString(),
            Round = run.Round,
            EndedRound = run.EndedRound,
            AbandonedInRow = run.AbandonedInRow,
            StopRequested = run.StopRequested,
            ModelSha256 = run.Model?.Sha256,
            ModelSize = run.Model?.SizeBytes,
            ModelVersion = run.ModelVersion,
            ParameterCount = run.ParameterCount,
            CreatedAt = run.CreatedAt,
            EndedAt = run.EndedAt,
            Reason = run.Reason,
        };

        public Run ToRun() => new()
        {
            RunId = RunId,
            Spec = SpecOf(Spec),
            State = Enum.Parse<RunState>(State),
            Round = Round,
            EndedRound = EndedRound,
            AbandonedInRow = AbandonedInRow,
            StopRequested = StopRequested,
            Model = ModelSha256 is null ? null : new BlobRef { Sha256 = ModelSha256, SizeBytes = ModelSize!.Value },
            ModelVersion = ModelVersion,
            ParameterCount = ParameterCount,
            CreatedAt = CreatedAt,
            EndedAt = EndedAt,
            Reason = Reason,
            EventsHead = EventsHead,
        };
    }
}
