using System.Reflection;
using FlEvents.Aggregator;
using FlEvents.ClientWorker;
using FlEvents.Contracts;
using FlEvents.Orchestrator;
using FlEvents.PrivacyAccountant;
using MassTransit;

namespace FlEvents.CrashPoints.Tests;

/// <summary>Every crash point of a federation: the places where something outlives a process, times what passes them.</summary>
internal static class Registry
{
    /// <summary>The messages that each service sends.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Sent = new Dictionary<string, string[]>
    {
        ["orchestrator"] =
        [
            nameof(AggregateRound), nameof(ClientEnrolled), nameof(ClientLeft), nameof(CommitBudget), nameof(CreateModel), nameof(EvaluateModel), nameof(OpenRound),
            nameof(LedgerReport), nameof(RefundBudget), nameof(ReserveBudget), nameof(RoundAbandoned), nameof(RoundStarted), nameof(RunCompleted), nameof(TrainClient),
        ],
        ["aggregator"] =
        [
            nameof(ChargeOutput), nameof(CommitBudget), nameof(LedgerReport), nameof(ModelPublished), nameof(ModelRefused), nameof(RoundAbandoned), nameof(RoundAggregated), nameof(UpdateAdmitted),
            nameof(UpdateRejected), Replayed,
        ],
        ["privacy-accountant"] =
        [
            nameof(BudgetCommitted), nameof(BudgetRefused), nameof(BudgetReserved), nameof(PrivacySpent), nameof(ReconcileLedger), nameof(ServiceRestored), Replayed,
        ],
        ["client-worker"] =
        [
            nameof(EnrollClient), nameof(EvaluationSubmitted), nameof(LeaseRenewed), nameof(TrainingAccepted), nameof(TrainingInterrupted), nameof(TrainingRefused),
            nameof(UpdateSubmitted), Replayed,
        ],
    };

    /// <summary>What passes now and then, where the threads happen to run so: what came before its round, or while the ledger was quarantined, is sent again.</summary>
    public static readonly IReadOnlySet<string> Occasional = new[]
        {
            ("aggregator", nameof(UpdateSubmitted)), ("aggregator", nameof(AggregateRound)), ("privacy-accountant", nameof(ReserveBudget)), ("privacy-accountant", nameof(CommitBudget)),
        }
        .SelectMany(sent => Sides.Select(side => $"{sent.Item1}.publish.{side} {sent.Item2}")).ToHashSet();

    /// <summary>Messages that are not kept until they are sent: a lost one is followed by the next.</summary>
    public static readonly string[] Unkept = [nameof(WorkerHeartbeat)];

    // What the stories put into quarantine and send to its queue again.
    private const string Replayed = nameof(ClientEnrolled);

    private static readonly Dictionary<string, Assembly> Services = new()
    {
        ["orchestrator"] = typeof(OrchestratorService).Assembly,
        ["aggregator"] = typeof(AggregatorService).Assembly,
        ["privacy-accountant"] = typeof(PrivacyAccountantService).Assembly,
        ["client-worker"] = typeof(ClientWorkerService).Assembly,
    };

    // Beside those that take a message.
    private static readonly string[] EveryServicesWrites = ["ClearSent", "MarkSentOnes", "DeleteOldMessages", "KeepAsync", "ReplayAsync", "DiscardAsync"];

    // The audit log of the process is in the ledger's database.
    private static readonly Dictionary<string, string[]> Writes = new()
    {
        ["orchestrator"] = ["CreateAsync", "ChangeAsync", "LeaveAsync", "TickAsync"],
        ["aggregator"] = ["OfferAsync", "StoreAsync", "CombineAsync", "CollectAsync", "DeleteAsync", "DeleteBytesAsync"],
        ["privacy-accountant"] = ["SetBudgetAsync", "OpenCopy", "AskAsync", "AcceptAsync", "AskedAsync", "AnsweredAsync", "RefusedAsync"],
        ["client-worker"] =
            ["EnrollAsync", "FindAsync", "HasEvaluatedAsync", "VetoAsync", "TrainingFinished", "UpdateStored", "TaskFailed", "WorkerStopping", "ApplyAllAsync", "DeleteOldAsync"],
    };

    private static readonly string[] Files =
    [
        "aggregator.models.fsync", "aggregator.models.rename", "aggregator.models.folder-fsync",
        "aggregator.unreleased.fsync", "aggregator.unreleased.rename", "aggregator.unreleased.folder-fsync", "aggregator.unreleased.move",
        "aggregator.partial.rename",
        "aggregator.updates.fsync", "aggregator.updates.rename", "aggregator.updates.folder-fsync",
        "client-worker.updates.fsync", "client-worker.updates.rename", "client-worker.updates.folder-fsync",
    ];

    private static string[] Sides => ["before", "after"];

    /// <summary>Their names, in order.</summary>
    public static IReadOnlyList<string> Points { get; } =
    [
        .. (from side in Sides
            from service in Services.Keys
            from point in PointsOf(service, side)
            select point)
           .Concat(from side in Sides from file in Files select $"{file}.{side}")
           .Distinct().Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<string> PointsOf(string service, string side)
    {
        var taken = TakenBy(Services[service]).ToList();
        return taken.Select(message => $"{service}.ack.{side} {message}")
            .Concat(taken.Concat(EveryServicesWrites).Concat(Writes[service]).Select(operation => $"{service}.commit.{side} {operation}"))
            .Concat(Sent[service].Select(message => $"{service}.publish.{side} {message}"))
            .Append($"{service}.schema.{side}");
    }

    private static IEnumerable<string> TakenBy(Assembly service) =>
        from type in service.GetTypes()
        from contract in type.GetInterfaces()
        where contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IConsumer<>)
        select contract.GetGenericArguments()[0].Name;
}
