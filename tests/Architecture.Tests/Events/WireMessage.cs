using System.Reflection;
using System.Reflection.Metadata;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.Contracts.Tests;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Architecture.Tests.Events;

/// <summary>A message, who sends it and who receives it: read from the services' assemblies.</summary>
/// <param name="Type">Its record.</param>
/// <param name="Channels">Where it is sent to: its own exchange for an event, its owner's for a command.</param>
/// <param name="Senders">Services that make it.</param>
/// <param name="Receivers">Services that have a consumer of it.</param>
internal sealed record WireMessage(Type Type, IReadOnlyList<string> Channels, IReadOnlyList<string> Senders, IReadOnlyList<string> Receivers)
{
    /// <summary>The services by the name of their assembly.</summary>
    public static IReadOnlyList<string> Services { get; } = ["Orchestrator", "Aggregator", "PrivacyAccountant", "ClientWorker"];

    private static readonly Dictionary<string, HashSet<string>> Made = Services.Append("ServiceDefaults").ToDictionary(name => name, MadeIn);

    /// <summary>Every message that goes over the bus, by name. A record that nobody publishes or sends says in its summary neither event nor command.</summary>
    public static IReadOnlyList<WireMessage> All { get; } =
        [.. ContractTypes.Messages.Where(IsSent).Select(type => new WireMessage(type, ChannelsOf(type), SendersOf(type), ReceiversOf(type)))];

    /// <summary>Every record that a service has a consumer of.</summary>
    public static IEnumerable<Type> Consumed => Services.SelectMany(service => Load(service).GetTypes()).SelectMany(ConsumedBy).Distinct();

    public string Name => Type.Name;

    /// <summary>Name of the exchange of a message type, as MassTransit gives it.</summary>
    public static string ExchangeOf(Type type) => $"{type.Namespace}:{type.Name}";

    /// <summary>The queue of a service's own messages.</summary>
    public static string QueueOf(string service) => $"fl-{JsonNamingPolicy.KebabCaseLower.ConvertName(service)}";

    private static bool IsSent(Type type) =>
        ContractComments.Of(type) is { } summary && new[] { "Event", "Public event", "Command" }.Any(start => summary.StartsWith(start, StringComparison.Ordinal));

    private static IReadOnlyList<string> ChannelsOf(Type type) =>
        Routes.OwnerOf(type) is { } owner ? [owner]
        : type == typeof(TrainClient) || type == typeof(EvaluateModel) ? [Routes.Silo("{clientId}"), Routes.Pool("{pool}")]
        : [ExchangeOf(type)];

    /// <summary>What the code that all services share makes, each of them sends. Nobody sends itself a command: its owner makes it from what it has stored.</summary>
    private static string[] SendersOf(Type type) =>
        [.. Services.Where(service => (Made["ServiceDefaults"].Contains(type.Name) || Made[service].Contains(type.Name)) && Routes.OwnerOf(type) != QueueOf(service))];

    private static string[] ReceiversOf(Type type) => [.. Services.Where(service => Load(service).GetTypes().SelectMany(ConsumedBy).Contains(type))];

    private static IEnumerable<Type> ConsumedBy(Type consumer) =>
        from implemented in consumer.GetInterfaces()
        where implemented.IsGenericType && implemented.GetGenericTypeDefinition() == typeof(IConsumer<>)
        select implemented.GetGenericArguments()[0];

    /// <summary>Contracts whose constructor is called somewhere in an assembly.</summary>
    private static unsafe HashSet<string> MadeIn(string name)
    {
        if (!Load(name).TryGetRawMetadata(out var blob, out var length))
        {
            throw new InvalidOperationException($"{name} has no metadata to read.");
        }

        var metadata = new MetadataReader(blob, length);
        return [.. from handle in metadata.MemberReferences
                   let member = metadata.GetMemberReference(handle)
                   where member.Parent.Kind == HandleKind.TypeReference && metadata.GetString(member.Name) == ".ctor"
                   let type = metadata.GetTypeReference((TypeReferenceHandle)member.Parent)
                   where metadata.GetString(type.Namespace) == typeof(TrainClient).Namespace
                   select metadata.GetString(type.Name)];
    }

    private static Assembly Load(string name) => Assembly.Load($"FlEvents.{name}");
}
