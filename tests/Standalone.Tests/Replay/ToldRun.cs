using System.Collections.Immutable;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Plans;
using FlEvents.Orchestrator.Events;
using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Privacy;
using FlEvents.Standalone.Replay;

namespace FlEvents.Standalone.Tests.Replay;

/// <summary>A run of mode central that is only told: messages as the log holds them, and a ledger that was asked for the same.</summary>
internal sealed class ToldRun
{
    public static readonly Guid RunId = new("11111111-1111-4111-8111-111111111111");
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly List<LedgerEntry> _entries = [];
    private LedgerState _state = LedgerState.Empty;

    public static RunSpec Spec { get; } = new()
    {
        Name = "told",
        Rounds = 2,
        Model = new ModelSpec { Name = ModelName.Logistic, InputShape = [4], Outputs = 2 },
        Data = new DataSpec { DataSet = "digits" },
        Training = new TrainingSpec { LearningRate = 0.1, BatchSize = 8 },
        Selection = new SelectionSpec { Count = 3 },
        Privacy = new PrivacySpec { Mode = PrivacyMode.Central, Central = new CentralPrivacySpec { ClipNorm = 1, NoiseMultiplier = 2, NoiseDecay = 0.9 } },
    };

    public RunHistory History { get; } = new();

    public LedgerReceipt Head => _state.Head;

    public IReadOnlyList<LedgerEntry> Entries => _entries;

    public ILedgerSource Ledger => SourceOf(_entries);

    public static ILedgerSource SourceOf(IReadOnlyList<LedgerEntry> entries) => new Source(entries);

    private ChainHead _head = HashChain.Empty;

    /// <summary>The run up to the model that its first round starts from.</summary>
    public static ToldRun Begun(RunSpec? spec = null)
    {
        var run = new ToldRun();
        Assert.Null(run.Tell(new CreateModel { RunId = RunId, Run = spec ?? Spec }));
        Assert.Null(run.Tell(new ModelPublished { RunId = RunId, Version = 0, Model = Model(0), ParameterCount = 10, Receipt = null }));
        return run;
    }

    /// <summary>The run up to a round whose clients are all charged, in log and ledger.</summary>
    public static ToldRun Started(params string[] clients)
    {
        var run = Begun();
        var page = Page(1, clients);
        Assert.Null(run.Tell(page));
        run.Charge(page);
        Assert.Null(run.Tell(Reserved(1, clients)));
        Assert.Null(run.Tell(Start1(clients.Length)));
        return run;
    }

    /// <summary>Adds a message to the log.</summary>
    /// <returns>Why the history does not take it.</returns>
    public string? Tell(object message)
    {
        var told = EventLog.EventOf(message)!;
        var record = EventChain.Append(_head, told.Type, told.Body(), Start);
        _head = new ChainHead(record.Sequence, record.Hash);
        return History.On(record);
    }

    public void Charge(ReserveBudget page, LedgerPolicy? policy = null) => Take(PrivacyAccountant.Ledger.On(_state, page, policy ?? new LedgerPolicy(), Start));

    public void Commit(int round) => Take(PrivacyAccountant.Ledger.On(
        _state with { Reservations = _state.Reservations.Where(reservation => reservation.Value.RunId == RunId && reservation.Value.Round == round).ToImmutableDictionary() },
        new CommitBudget { RunId = RunId, RoundId = RoundId(round), Round = round },
        Start));

    /// <summary>The ledger loses its newest entries, and is told them again.</summary>
    public void Lose(int entries, ReserveBudget page, params IReadOnlyList<LedgerReceipt> lost)
    {
        _entries.RemoveRange(_entries.Count - entries, entries);
        _state = LedgerState.Empty with { Head = _entries.Count == 0 ? LedgerChain.Empty : new LedgerReceipt { Sequence = _entries[^1].Sequence, Hash = _entries[^1].Hash } };
        Take(Recovery.Begin(_state.Head, new QuarantineCause { Code = LedgerReason.Restored }, Start));
        var report = new LedgerReport
        {
            Quarantine = _state.Head,
            Service = LedgerReporter.Orchestrator,
            NextCursor = null,
            KnownSince = null,
            RunId = page.RunId,
            RoundId = page.RoundId,
            Round = page.Round,
            Attempt = page.Attempt,
            Clients = page.Clients,
            Receipts = [.. lost],
        };
        Take(Recovery.On(_state, report, [.. lost], new LedgerPolicy(), Start));
        Take(Recovery.End(_state.Head, [], LedgerReason.Reconciled, held: 0, Start));
    }

    public void Refund(RefundBudget refund) => Take(PrivacyAccountant.Ledger.On(_state, refund, Start));

    public void ChargeAgain(ChargeOutput output) => Take(PrivacyAccountant.Ledger.On(_state, output, Start));

    public static ReserveBudget Page(int round, params IEnumerable<string> clients) => new()
    {
        RunId = RunId,
        RoundId = RoundId(round),
        Round = round,
        Attempt = 1,
        Clients =
        [
            .. clients.Select(client => new ReservationRequest
            {
                ClientId = client,
                Ledger = new LedgerIdentity { Owner = client, DataSet = "digits", PartitionRule = "whole", PartitionSeed = 0, PartitionIndex = 0 },
                Charges = PrivacyPlan.Charges(Spec, 50, round),
            }),
        ],
    };

    public static BudgetReserved Reserved(int round, params string[] clients) => new() { RunId = RunId, RoundId = RoundId(round), Round = round, Attempt = 1, ClientIds = clients };

    public static BudgetRefused Refused(int round, string client, string code) => new()
    {
        RunId = RunId,
        RoundId = RoundId(round),
        Round = round,
        Attempt = 1,
        Refused = [new ClientRefusal { ClientId = client, ReasonCode = code, Detail = "…" }],
    };

    public static RoundStarted Start1(int cohort) => new() { RunId = RunId, RoundId = RoundId(1), Round = 1, CohortSize = cohort, BaseModel = Model(0), DeadlineAt = Start };

    public static UpdateAdmitted Admitted(int round, string client) => new()
    {
        RunId = RunId,
        RoundId = RoundId(round),
        Round = round,
        ClientId = client,
        ReservationId = ReservationId.Of(RunId, round, client, 1),
        UpdateSizeBytes = 100,
        UpdateSha256 = null,
        ExampleCount = null,
        TrainingLoss = null,
        TrainingSeconds = null,
    };

    public static RefundBudget GivenBack(int round, string client) => new()
    {
        RunId = RunId,
        RoundId = RoundId(round),
        Round = round,
        ClientId = client,
        ReservationId = ReservationId.Of(RunId, round, client, 1),
        ReasonCode = "NOT_DISPATCHED",
    };

    public static RoundAggregated Aggregated(int round, int updates, LedgerReceipt receipt) => new()
    {
        RunId = RunId,
        RoundId = RoundId(round),
        Round = round,
        Model = Model(round),
        UpdatesAdmitted = updates,
        Receipt = receipt,
        Evaluation = null,
        ClipNorm = 1,
    };

    public static RoundAbandoned Abandoned(int round) => new() { RunId = RunId, RoundId = RoundId(round), Round = round, ReasonCode = "RUN_STOPPED", Detail = "…" };

    public static RunCompleted Ended(RunOutcome outcome, BlobRef? model) => new() { RunId = RunId, Outcome = outcome, Reason = null, Model = model };

    public static BlobRef Model(int round) => new() { Sha256 = new string((char)('a' + round), 64), SizeBytes = 100 };

    private static Guid RoundId(int round) => ReservationId.OfRound(RunId, round);

    private void Take(LedgerDecision decision)
    {
        _entries.AddRange(decision.Entries);
        _state = decision.State with { Commit = null };
    }

    private sealed class Source(IReadOnlyList<LedgerEntry> entries) : ILedgerSource
    {
        public string Place => "told";

        public IReadOnlyList<LedgerReceipt> Receipts() => [];

        public IEnumerable<LedgerEntry> Entries() => entries;

        public IReadOnlyList<(Guid LedgerId, LedgerIdentity Identity)> LedgersOf(string clientId) => [];

        public IReadOnlyList<AccountTotals> Totals() => [];

        public void Dispose()
        {
        }
    }
}
