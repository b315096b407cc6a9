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
    };

    /// <returns>The owner's exchange, or null for an event.</returns>
    public static string? OwnerOf(Type message) => Owners.GetValueOrDefault(message);

    /// <summary>Exchange of a pool's shared queue.</summary>
    public static string Pool(string pool) => $"fl-pool-{pool}";

    /// <summary>Exchange of one silo client's queue.</summary>
    public static string Silo(string clientId) => $"fl-silo-{clientId}";
}
