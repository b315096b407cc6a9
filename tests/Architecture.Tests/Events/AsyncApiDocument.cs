using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Contracts.Tests;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Architecture.Tests.Events;

/// <summary>docs/asyncapi.json: every message on the bus with its exchange, senders, receivers and schema, from the contracts and the services.</summary>
internal static class AsyncApiDocument
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The document as a file.</summary>
    public static string Create() => new JsonObject
    {
        ["asyncapi"] = "3.0.0",
        ["info"] = new JsonObject
        {
            ["title"] = "FlEvents",
            ["version"] = "1.0.0",
            ["description"] = "The messages between the services and the workers of a federation. An event goes to the exchange of its own type, and each service that "
                + "receives it has a queue bound to that; a command goes to the exchange of the service or worker that owns it. Every message may come twice, late or out of order.",
        },
        ["servers"] = new JsonObject
        {
            ["broker"] = new JsonObject { ["host"] = "rabbitmq:5672", ["protocol"] = "amqp", ["protocolVersion"] = "0-9-1", ["description"] = "The deployment's RabbitMQ." },
        },
        ["defaultContentType"] = "application/vnd.masstransit+json",
        ["channels"] = Channels(),
        ["operations"] = Operations(),
        ["components"] = new JsonObject { ["schemas"] = Schemas(), ["messages"] = Messages() },
    }.ToJsonString(Readable) + "\n";

    /// <summary>The key of a channel: its address without what keys may not hold.</summary>
    private static string Key(string channel) => channel.Replace("FlEvents.Contracts:", "", StringComparison.Ordinal).Replace("-{", "-by-", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);

    private static JsonObject Channels() => Object(
        from message in WireMessage.All
        from channel in message.Channels
        group message by channel into sent
        orderby sent.Key
        select (Key(sent.Key), (JsonNode)ChannelOf(sent.Key, sent)));

    private static JsonObject ChannelOf(string address, IEnumerable<WireMessage> messages)
    {
        var channel = new JsonObject { ["address"] = address, ["messages"] = Object(messages.Select(message => (message.Name, (JsonNode)Reference($"components/messages/{message.Name}")))) };
        if (address.IndexOf('{', StringComparison.Ordinal) is > 0 and var start)
        {
            var parameter = address[(start + 1)..^1];
            channel["parameters"] = new JsonObject { [parameter] = new JsonObject { ["description"] = parameter == "pool" ? "Name of a pool of workers that share a queue." : "Client that a worker of its own serves." } };
        }

        channel["bindings"] = new JsonObject
        {
            ["amqp"] = new JsonObject
            {
                ["is"] = "routingKey",
                ["exchange"] = new JsonObject { ["name"] = address, ["type"] = "fanout", ["durable"] = true, ["autoDelete"] = false },
                ["bindingVersion"] = "0.3.0",
            },
        };
        return channel;
    }

    private static JsonObject Operations() => Object(
        from message in WireMessage.All
        from service in WireMessage.Services
        from action in new[] { "send", "receive" }
        where (action == "send" ? message.Senders : message.Receivers).Contains(service)
        from channel in message.Channels
        orderby service, action, message.Name, channel
        select ($"{service}-{action}-{message.Name}{(message.Channels.Count > 1 ? $"-{Key(channel)}" : "")}", (JsonNode)new JsonObject
        {
            ["action"] = action,
            ["channel"] = Reference($"channels/{Key(channel)}"),
            ["summary"] = action == "send" ? $"{service} sends {message.Name}." : $"{service} receives {message.Name} from queue {QueueOf(service, message, channel)}.",
            ["messages"] = new JsonArray(Reference($"channels/{Key(channel)}/messages/{message.Name}")),
        }));

    private static string QueueOf(string service, WireMessage message, string channel) =>
        channel.Contains('{', StringComparison.Ordinal) ? channel
        : message.Name == nameof(Contracts.WorkerHeartbeat) ? Routes.Heartbeats
        : WireMessage.QueueOf(service);

    private static JsonObject Messages() => Object(WireMessage.All.Select(message => (message.Name, (JsonNode)new JsonObject
    {
        ["name"] = message.Name,
        ["title"] = message.Name,
        ["summary"] = ContractComments.Of(message.Type),
        ["contentType"] = "application/vnd.masstransit+json",
        ["payload"] = new JsonObject
        {
            ["allOf"] = new JsonArray(
                new JsonObject { ["$ref"] = "#/components/schemas/Envelope" },
                new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject
                    {
                        ["messageType"] = new JsonObject { ["type"] = "array", ["contains"] = new JsonObject { ["const"] = MessageUrn.ForTypeString(message.Type) } },
                        ["message"] = MessageSchemas.Reference(message.Type),
                    },
                }),
        },
    })));

    /// <summary>Of the records and enums that messages are made of.</summary>
    private static JsonObject Schemas()
    {
        var reached = new HashSet<Type>();
        foreach (var message in WireMessage.All)
        {
            Reach(message.Type, reached);
        }

        var schemas = reached.OrderBy(type => type.Name, StringComparer.Ordinal).Select(type => (type.Name, (JsonNode)(type.IsEnum ? MessageSchemas.OfEnum(type) : MessageSchemas.OfRecord(type))));
        return Object([("Envelope", Envelope()), .. schemas]);
    }

    private static void Reach(Type type, HashSet<Type> reached)
    {
        if ((type.IsEnum || ContractTypes.IsRecord(type)) && reached.Add(type))
        {
            foreach (var property in type.GetProperties().Where(property => property.CanWrite && !type.IsEnum))
            {
                Reach(ContractTypes.Part(property.PropertyType), reached);
            }
        }
    }

    private static JsonObject Envelope() => new()
    {
        ["type"] = "object",
        ["description"] = "MassTransit's envelope. A message is known again by its messageId: a copy has the same one. Members that are not needed may be null or left out.",
        ["required"] = new JsonArray("messageId", "messageType", "message"),
        ["properties"] = new JsonObject
        {
            ["messageId"] = new JsonObject { ["type"] = "string", ["format"] = "uuid", ["description"] = "Names the message; the same on every copy." },
            ["requestId"] = Optional("uuid"),
            ["correlationId"] = Optional("uuid"),
            ["conversationId"] = Optional("uuid"),
            ["initiatorId"] = Optional("uuid"),
            ["sourceAddress"] = Optional("uri"),
            ["destinationAddress"] = Optional("uri"),
            ["responseAddress"] = Optional("uri"),
            ["faultAddress"] = Optional("uri"),
            ["messageType"] = new JsonObject
            {
                ["type"] = "array",
                ["items"] = new JsonObject { ["type"] = "string" },
                ["description"] = "URNs of the message's types; whoever sends one type names one.",
            },
            ["message"] = new JsonObject { ["type"] = "object", ["description"] = "The message itself." },
            ["expirationTime"] = Optional("date-time"),
            ["sentTime"] = Optional("date-time"),
            ["headers"] = new JsonObject { ["type"] = new JsonArray("object", "null") },
            ["host"] = new JsonObject { ["type"] = new JsonArray("object", "null"), ["description"] = "Program that sent it." },
        },
    };

    private static JsonObject Optional(string format) => new() { ["type"] = new JsonArray("string", "null"), ["format"] = format };

    private static JsonObject Reference(string path) => new() { ["$ref"] = $"#/{path}" };

    private static JsonObject Object(IEnumerable<(string Key, JsonNode Value)> members) => new(members.Select(member => KeyValuePair.Create<string, JsonNode?>(member.Key, member.Value)));
}
