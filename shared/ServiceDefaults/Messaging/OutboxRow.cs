using System.Text.Json;
using FlEvents.Contracts;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>A message that waits in the outbox, or was sent and is kept until its round is final.</summary>
public record OutboxRow
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public long Seq { get; init; }
    public required Guid MessageId { get; init; }
    public Guid? RunId { get; init; }
    public int? Round { get; init; }
    public string? Destination { get; init; }
    public required string Type { get; init; }
    public required string Body { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The message's place in a trace; null where none is made.</summary>
    public string? TraceParent { get; init; }

    public static OutboxRow Of(object message, string? destination, DateTimeOffset now)
    {
        var type = message.GetType();
        return new OutboxRow
        {
            MessageId = Guid.CreateVersion7(now),
            RunId = type.GetProperty("RunId")?.GetValue(message) as Guid?,
            Round = type.GetProperty("Round")?.GetValue(message) as int?,
            Destination = destination,
            Type = type.Name,
            Body = JsonSerializer.Serialize(message, type, Json),
            CreatedAt = now,
        };
    }

    /// <summary>The message itself, as a record of the contracts.</summary>
    public (object Message, Type Type) Decode()
    {
        var type = typeof(BlobRef).Assembly.GetType($"{typeof(BlobRef).Namespace}.{Type}", throwOnError: true)!;
        return (JsonSerializer.Deserialize(Body, type, Json)!, type);
    }
}
