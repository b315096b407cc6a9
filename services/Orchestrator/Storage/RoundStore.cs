using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Storage;

/// <summary>Keeps rounds; their members are <see cref="MemberStore"/>'s.</summary>
public static class RoundStore
{
    private const string Columns = """
        round_id, run_id, number, state, deadline_at, cohort_size, planned, open, refused, admitted, rejected, minimum_reports, target,
        base_sha256, base_size, bytes_up, model_sha256, model_size, evaluation, clip_norm, receipt_seq, receipt_hash, started_at, ended_at, reason
        """;

    private const string SelectOne = $"select {Columns} from round where round_id = @roundId";

    public static Round? Find(Transaction transaction, Guid roundId) => transaction.QuerySingleOrDefault<Row>(SelectOne, new { roundId })?.ToRound();

    private const string SelectOpen = $"select {Columns} from round where run_id = @runId and state not in ('Done', 'Abandoned')";

    /// <summary>The run's round that has not ended; at most one.</summary>
    public static Round? FindOpen(Transaction transaction, Guid runId) => transaction.QuerySingleOrDefault<Row>(SelectOpen, new { runId })?.ToRound();

    private const string SelectNewest = $"select {Columns} from round where run_id = @runId order by number desc limit 1";

    /// <summary>The run's newest round, open or not; null before the first.</summary>
    public static Round? FindNewest(Transaction transaction, Guid runId) => transaction.QuerySingleOrDefault<Row>(SelectNewest, new { runId })?.ToRound();

    private const string SelectOfRun = $"select {Columns} from round where run_id = @runId and number >= @from order by number";

    public static IReadOnlyList<Round> OfRun(Transaction transaction, Guid runId, int from = 0) =>
        transaction.Query<Row>(SelectOfRun, new { runId, from }).Select(row => row.ToRound()).ToList();

    private const string SelectEndedSince = $"select {Columns} from round where state in ('Done', 'Abandoned') and ended_at >= @since order by ended_at";

    /// <summary>Rounds that ended at a moment or after it.</summary>
    public static IReadOnlyList<Round> EndedSince(Transaction transaction, DateTimeOffset since) =>
        transaction.Query<Row>(SelectEndedSince, new { since }).Select(row => row.ToRound()).ToList();

    private const string SelectPastDeadline = """
        select round_id from round where state not in ('Done', 'Abandoned') and state in ('Dispatched', 'Collecting') and deadline_at <= @now
        """;

    public static IReadOnlyList<Guid> PastDeadline(Transaction transaction) => transaction.Query<Guid>(SelectPastDeadline, new { now = transaction.Now });

    private const string InsertOne = """
        insert into round (round_id, run_id, number, state, deadline_at, cohort_size, planned, open, refused, admitted, rejected, minimum_reports,
            target, base_sha256, base_size, bytes_up, started_at)
        values (@RoundId, @RunId, @Number, @State, @DeadlineAt, @CohortSize, @Planned, @Open, @Refused, @Admitted, @Rejected, @MinimumReports,
            @Target, @BaseSha256, @BaseSize, @BytesUp, @StartedAt)
        """;

    public static void Insert(Transaction transaction, Round round) => transaction.Execute(InsertOne, Row.Of(round));

    private const string UpdateOne = """
        update round set state = @State, deadline_at = @DeadlineAt, planned = @Planned, open = @Open, refused = @Refused, admitted = @Admitted,
            rejected = @Rejected, bytes_up = @BytesUp, model_sha256 = @ModelSha256, model_size = @ModelSize, evaluation = @Evaluation, clip_norm = @ClipNorm,
            receipt_seq = @ReceiptSeq, receipt_hash = @ReceiptHash, ended_at = @EndedAt, reason = @Reason
        where round_id = @RoundId
        """;

    public static void Update(Transaction transaction, Round round) => transaction.Execute(UpdateOne, Row.Of(round));

    private sealed record Row
    {
        public required Guid RoundId { get; init; }
        public required Guid RunId { get; init; }
        public required int Number { get; init; }
        public required string State { get; init; }
        public DateTimeOffset? DeadlineAt { get; init; }
        public required int CohortSize { get; init; }
        public required int Planned { get; init; }
        public required int Open { get; init; }
        public required int Refused { get; init; }
        public required int Admitted { get; init; }
        public required int Rejected { get; init; }
        public required int MinimumReports { get; init; }
        public int? Target { get; init; }
        public required string BaseSha256 { get; init; }
        public required long BaseSize { get; init; }
        public required long BytesUp { get; init; }
        public string? ModelSha256 { get; init; }
        public long? ModelSize { get; init; }
        public string? Evaluation { get; init; }
        public double? ClipNorm { get; init; }
        public long? ReceiptSeq { get; init; }
        public string? ReceiptHash { get; init; }
        public required DateTimeOffset StartedAt { get; init; }
        public DateTimeOffset? EndedAt { get; init; }
        public string? Reason { get; init; }

        public static Row Of(Round round) => new()
        {
            RoundId = round.RoundId,
            RunId = round.RunId,
            Number = round.Number,
            State = round.State.ToString(),
            DeadlineAt = round.DeadlineAt,
            CohortSize = round.CohortSize,
            Planned = round.Planned,
            Open = round.Open,
            Refused = round.Refused,
            Admitted = round.Admitted,
            Rejected = round.Rejected,
            MinimumReports = round.MinimumReports,
            Target = round.Target,
            BaseSha256 = round.BaseModel.Sha256,
            BaseSize = round.BaseModel.SizeBytes,
            BytesUp = round.BytesUp,
            ModelSha256 = round.Model?.Sha256,
            ModelSize = round.Model?.SizeBytes,
            Evaluation = round.Evaluation is null ? null : JsonSerializer.Serialize(round.Evaluation, RunStore.Json),
            ClipNorm = round.ClipNorm,
            ReceiptSeq = round.Receipt?.Sequence,
            ReceiptHash = round.Receipt?.Hash,
            StartedAt = round.StartedAt,
            EndedAt = round.EndedAt,
            Reason = round.Reason,
        };

        public Round ToRound() => new()
        {
            RoundId = RoundId,
            RunId = RunId,
            Number = Number,
            State = Enum.Parse<RoundState>(State),
            DeadlineAt = DeadlineAt,
            CohortSize = CohortSize,
            Planned = Planned,
            Open = Open,
            Refused = Refused,
            Admitted = Admitted,
            Rejected = Rejected,
            MinimumReports = MinimumReports,
            Target = Target,
            BaseModel = new BlobRef { Sha256 = BaseSha256, SizeBytes = BaseSize },
            BytesUp = BytesUp,
            Model = ModelSha256 is null ? null : new BlobRef { Sha256 = ModelSha256, SizeBytes = ModelSize!.Value },
            Evaluation = Evaluation is null ? null : JsonSerializer.Deserialize<ModelEvaluation>(Evaluation, RunStore.Json),
            ClipNorm = ClipNorm,
            Receipt = ReceiptHash is null ? null : new LedgerReceipt { Sequence = ReceiptSeq!.Value, Hash = ReceiptHash },
            StartedAt = StartedAt,
            EndedAt = EndedAt,
            Reason = Reason,
        };
    }
}
