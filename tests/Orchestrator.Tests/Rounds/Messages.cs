using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator.Tests.Rounds;

/// <summary>Rows and messages of one small round.</summary>
internal static class Messages
{
    public static readonly Guid RunId = new("11111111-1111-4111-8111-111111111111");
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);
    public static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    public static readonly RunSpec Spec = new()
    {
        Name = "test",
        Rounds = 3,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [4], Outputs = 2 },
        Data = new DataSpec { DataSet = "digits" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 8 },
    };

    public static readonly PrivacySpec Local = new()
    {
        Mode = PrivacyMode.Local,
        Local = new LocalPrivacySpec { ClipNorm = 1, NoiseMultiplier = 2 },
    };

    public static readonly PrivacySpec Example = new()
    {
        Mode = PrivacyMode.Example,
        Example = new ExamplePrivacySpec { ClipNorm = 1, NoiseMultiplier = 2 },
    };

    public static readonly PrivacySpec Central = new()
    {
        Mode = PrivacyMode.Central,
        Central = new CentralPrivacySpec { ClipNorm = 1, NoiseMultiplier = 2 },
    };

    public static RoundContext Context(string nextToken, DateTimeOffset now) => new(Spec, now, nextToken);

    public static string Client(int index) => $"client-{index}";

    public static BlobRef Blob(char digit) => new() { Sha256 = new string(digit, 64), SizeBytes = 100 };

    public static Round Round(int cohort, int minimumReports = 1, int? target = null) => new()
    {
        RoundId = ReservationId.OfRound(RunId, 1),
        RunId = RunId,
        Number = 1,
        State = RoundState.Planned,
        CohortSize = cohort,
        Planned = cohort,
        Open = 0,
        MinimumReports = minimumReports,
        Target = target,
        BaseModel = Blob('b'),
        StartedAt = Start,
    };

    public static Member Member(Round round, int index) => new()
    {
        RoundId = round.RoundId,
        ClientId = Client(index),
        State = MemberState.Planned,
        ReservationId = ReservationId.Of(RunId, round.Number, Client(index), 1),
        Address = "fl-pool-a",
        ExampleCount = 50,
        LeaseToken = "token-1",
    };

    public static UpdateAdmitted Admitted(Member member) => new()
    {
        RunId = RunId,
        RoundId = member.RoundId,
        Round = 1,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        UpdateSizeBytes = 100,
        UpdateSha256 = new string('a', 64),
        ExampleCount = 45,
        TrainingLoss = 0.5,
        TrainingSeconds = 0.1,
    };

    public static UpdateRejected Rejected(Member member, bool isFinal = true) => new()
    {
        RunId = RunId,
        RoundId = member.RoundId,
        Round = 1,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        ReasonCode = RejectionCode.NotFinite,
        Detail = "Element 3 of tensor 0.weight is not finite.",
        IsFinal = isFinal,
    };

    public static UpdateRejected Late(Member member) => Rejected(member) with { ReasonCode = RejectionCode.Late, Detail = "Round 1 is closed." };

    /// <summary>Of a run in which an update may be one round late.</summary>
    public static RoundContext LateContext(DateTimeOffset now) => new(Spec with { Aggregation = new AggregationSpec { LateRounds = 1 } }, now, "");

    public static TrainingRefused Refused(Member member, int leaseNumber = 1) => new()
    {
        RunId = RunId,
        RoundId = member.RoundId,
        Round = 1,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        LeaseNumber = leaseNumber,
        RefusalSha256 = LeaseToken.RefusalOf(member.LeaseToken),
        ReasonCode = "EXPIRED",
        Detail = "The deadline has passed.",
    };

    public static TrainingInterrupted Interrupted(Member member, string reasonCode, int leaseNumber = 1) => new()
    {
        RunId = RunId,
        RoundId = member.RoundId,
        Round = 1,
        ClientId = member.ClientId,
        ReservationId = member.ReservationId,
        LeaseNumber = leaseNumber,
        ReasonCode = reasonCode,
        Detail = "…",
    };

    public static RoundAggregated Aggregated(Round round) => new()
    {
        RunId = RunId,
        RoundId = round.RoundId,
        Round = 1,
        Model = Blob('c'),
        UpdatesAdmitted = round.Admitted,
        Evaluation = null,
        ClipNorm = null,
        Receipt = new LedgerReceipt { Sequence = 7, Hash = new string('d', 64) },
    };

    public static RoundAbandoned Abandoned(Round round) => new() { RunId = RunId, RoundId = round.RoundId, Round = 1, ReasonCode = "TOO_FEW_REPORTS", Detail = "…" };
}
