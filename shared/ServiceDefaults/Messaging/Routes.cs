using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// Where a command goes: to the service that owns it, with the broker's word that a queue took it. Everything else is an event
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

    /// <summary>Name of every worker's database.</summary>
    internal const string Worker = "client-worker";

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

    /// <returns>Name of the owner's queue, or null for an event.</returns>
    public static string? OwnerOf(Type message) => Owners.GetValueOrDefault(message);

    /// <summary>Exchange of one kind of message on a broker, to which MassTransit binds the queues of all who take it.</summary>
    public static string Exchange(Type message) => $"{message.Namespace}:{message.Name}";

    /// <summary>Exchange of one kind of message for one service of those that take it.</summary>
    public static string Door(string destination, Type message) => $"{destination}:{message.Name}";

    /// <summary>
    /// Exchange to which a broker's user sends a message for a service. It is that of the message and never that of the service's queue, because MassTransit
    /// declares what it sends to: the right to declare a name is the right to delete the queue of that name, and who may write to a queue's own exchange may say
    /// there whatever others may.
    /// </summary>
    /// <param name="destination">Name of the service's queue, or of a pool's or silo's.</param>
    public static string ExchangeOf(Type message, string destination) =>
        OwnerOf(message) == destination ? Exchange(message)
        : message == typeof(ReconcileLedger) ? Door(destination, message)
        : destination;

    /// <summary>
    /// Whether a message may come to a queue by this exchange: its own, the queue's, or the broker's default one, to which no service may write. A body says what
    /// it is by itself, so without this whoever may say one thing to a service could say anything.
    /// </summary>
    public static bool MayComeBy(string exchange, Type message, string queue) =>
        exchange.Length == 0 || exchange == queue || exchange == Exchange(message) || exchange == Door(queue, message);

    /// <summary>Exchange of a pool's shared queue.</summary>
    public static string Pool(string pool) => $"{PoolPrefix}{pool}";

    /// <summary>Exchange of one silo client's queue.</summary>
    public static string Silo(string clientId) => $"{SiloPrefix}{clientId}";

    /// <summary>Whether a queue belongs to the service that has a database of this name.</summary>
    public static bool IsServedBy(string queue, string service) =>
        queue == $"fl-{service}" || (queue == Heartbeats && Orchestrator == $"fl-{service}") || (service == Worker && (queue.StartsWith(PoolPrefix, StringComparison.Ordinal) || queue.StartsWith(SiloPrefix, StringComparison.Ordinal)));

    private const string PoolPrefix = "fl-pool-";
    private const string SiloPrefix = "fl-silo-";
}
