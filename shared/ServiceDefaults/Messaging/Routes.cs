using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// Where a command goes: to the exchange of the service that owns it, with the broker's word that a queue took it. Everything else is an event
/// and is published. A service that needs an event has always been reached by a command before the event can occur, so its queue exists.
/// </summary>
public static class Routes
{
    public const string Orchestrator = "fl-orchestrator";
    public const string Aggregator = "fl-aggregator";
    public const string PrivacyAccountant = "fl-privacy-accountant";

    /// <summary>
    /// Queue of workers' signs of life, apart from the Orchestrator's other messages: while it is away they must not pile up between those.
    /// </summary>
    public const string Heartbeats = "fl-heartbeats";

    private static readonly Dictionary<Type, string> Owners = new()
    {
        [typeof(EnrollClient)] = Orchestrator,
        [typeof(CreateModel)] = Aggregator,
        [typeof(OpenRound)] = Aggregator,
        [typeof(AggregateRound)] = Aggregator,
        [typeof(ReserveBudget)] = PrivacyAccountant,
        [typeof(CommitBudget)] = PrivacyAccountant,
        [typeof(RefundBudget)] = PrivacyAccountant,
        [typeof(ChargeOutput)] = PrivacyAccountant,
        [typeof(LedgerReport)] = PrivacyAccountant,
    };

    /// <returns>The owner's exchange, or null for an event.</returns>
    public static string? OwnerOf(Type message) => Owners.GetValueOrDefault(message);

    /// <summary>Exchange of a pool's shared queue.</summary>
    public static string Pool(string pool) => $"{PoolPrefix}{pool}";

    /// <summary>Exchange of one silo client's queue.</summary>
    public static string Silo(string clientId) => $"{SiloPrefix}{clientId}";

    /// <summary>Whether a queue belongs to the service that has a database of this name.</summary>
    public static bool IsServedBy(string queue, string service) =>
        queue == $"fl-{service}" || (queue == Heartbeats && Orchestrator == $"fl-{service}") || (service == Worker && (queue.StartsWith(PoolPrefix, StringComparison.Ordinal) || queue.StartsWith(SiloPrefix, StringComparison.Ordinal)));

    private const string Worker = "client-worker";
    private const string PoolPrefix = "fl-pool-";
    private const string SiloPrefix = "fl-silo-";
}
