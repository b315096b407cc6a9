using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// A user of the broker and what it may do there: no more than its service needs. MassTransit declares all that it uses, so the right to declare goes with the
/// right to use (docs/security.md tells what that leaves open).
/// </summary>
public sealed record BrokerUser
{
    /// <summary>The virtual host that all users share.</summary>
    public const string VirtualHost = "flevents";

    private static readonly Type[] Nothing = [];

    public static BrokerUser Orchestrator { get; } = new()
    {
        Name = "orchestrator",
        Queues = [Routes.Orchestrator, Routes.Heartbeats],
        Takes =
        [
            typeof(BudgetRefused), typeof(BudgetReserved), typeof(EnrollClient), typeof(EvaluationSubmitted), typeof(LeaseRenewed), typeof(ModelPublished), typeof(ModelRefused),
            typeof(ReconcileLedger), typeof(RoundAbandoned), typeof(RoundAggregated), typeof(ServiceRestored), typeof(TrainingAccepted), typeof(TrainingInterrupted),
            typeof(TrainingRefused), typeof(UpdateAdmitted), typeof(UpdateRejected), typeof(WorkerHeartbeat),
        ],
        Sends =
        [
            typeof(AggregateRound), typeof(ClientEnrolled), typeof(ClientLeft), typeof(CommitBudget), typeof(CreateModel), typeof(LedgerReport), typeof(OpenRound), typeof(RefundBudget),
            typeof(ReserveBudget), typeof(RoundAbandoned), typeof(RoundStarted), typeof(RunCompleted), typeof(ServiceRestored),

            // Of clients that come over HTTPS.
            typeof(UpdateSubmitted),
        ],

        // Tasks, to any worker there may be.
        SendsTo = [$"{Routes.Pool("")}[a-z0-9-]+", $"{Routes.Silo("")}[a-z0-9-]+"],
    };

    public static BrokerUser Aggregator { get; } = new()
    {
        Name = "aggregator",
        Queues = [Routes.Aggregator],
        Takes =
        [
            typeof(AggregateRound), typeof(BudgetCommitted), typeof(ClientLeft), typeof(CreateModel), typeof(OpenRound), typeof(ReconcileLedger), typeof(RoundAbandoned),
            typeof(RunCompleted), typeof(UpdateSubmitted),
        ],
        Sends =
        [
            typeof(ChargeOutput), typeof(CommitBudget), typeof(LedgerReport), typeof(ModelPublished), typeof(ModelRefused), typeof(RoundAbandoned), typeof(RoundAggregated),
            typeof(ServiceRestored), typeof(UpdateAdmitted), typeof(UpdateRejected),
        ],
    };

    public static BrokerUser PrivacyAccountant { get; } = new()
    {
        Name = "privacy-accountant",
        Queues = [Routes.PrivacyAccountant],
        Takes = [typeof(ChargeOutput), typeof(CommitBudget), typeof(LedgerReport), typeof(RefundBudget), typeof(ReserveBudget), typeof(RunCompleted)],
        Sends = [typeof(BudgetCommitted), typeof(BudgetRefused), typeof(BudgetReserved), typeof(PrivacySpent), typeof(ServiceRestored)],
        SendsTo = [Routes.Door(Routes.Orchestrator, typeof(ReconcileLedger)), Routes.Door(Routes.Aggregator, typeof(ReconcileLedger))],
    };

    /// <summary>All workers of a pool.</summary>
    public static BrokerUser Pool(string pool) => Worker($"pool-{pool}", Routes.Pool(pool));

    /// <summary>The worker of one silo client.</summary>
    public static BrokerUser Silo(string clientId) => Worker($"silo-{clientId}", Routes.Silo(clientId));

    public required string Name { get; init; }

    /// <summary>What it receives from.</summary>
    public required IReadOnlyList<string> Queues { get; init; }

    /// <summary>What comes to its queues by the exchanges of messages.</summary>
    public required IReadOnlyList<Type> Takes { get; init; }

    /// <summary>What it sends by the exchanges of messages.</summary>
    public required IReadOnlyList<Type> Sends { get; init; }

    /// <summary>Other exchanges that it sends to, as regular expressions.</summary>
    public IReadOnlyList<string> SendsTo { get; init; } = [];

    /// <summary>What it may declare and delete, as the broker's regular expression.</summary>
    public string Configure => Pattern([.. Own, .. Doors, .. SendsTo], [.. Takes, .. Sends]);

    /// <summary>What it may publish to and bind to others.</summary>
    public string Write => Pattern([.. Own, .. SendsTo], Sends);

    /// <summary>What it may consume, purge, and have bound to its own.</summary>
    public string Read => Pattern([.. Own, .. Doors], Takes);

    // Signs of life that are lost are followed by the next: their queue alone has no other one for what it gives up.
    private IEnumerable<string> Own => Queues.Select(queue => queue == Routes.Heartbeats ? queue : $"{queue}(-dead)?");

    private IEnumerable<string> Doors => Takes.Contains(typeof(ReconcileLedger)) ? [Routes.Door(Queues[0], typeof(ReconcileLedger))] : [];

    private static BrokerUser Worker(string name, string queue) => new()
    {
        Name = name,
        Queues = [queue],

        // Tasks come by the queue's own exchange.
        Takes = Nothing,
        Sends =
        [
            typeof(EnrollClient), typeof(EvaluationSubmitted), typeof(LeaseRenewed), typeof(TrainingAccepted), typeof(TrainingInterrupted), typeof(TrainingRefused),
            typeof(UpdateSubmitted), typeof(WorkerHeartbeat),
        ],
    };

    private static string Pattern(IReadOnlyList<string> names, IReadOnlyList<Type> messages)
    {
        var ofMessages = messages.Select(message => message.Name).Distinct().Order(StringComparer.Ordinal).ToList();
        return $"^({string.Join('|', ofMessages.Count == 0 ? names : [.. names, $@"{typeof(BlobRef).Namespace!.Replace(".", @"\.", StringComparison.Ordinal)}:({string.Join('|', ofMessages)})"])})$";
    }
}
