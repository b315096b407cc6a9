using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlEvents.Orchestrator.Events;

/// <summary>One line of a run's event log, chained to the line before: a message of the contracts, as the run's state took it in or sent it out.</summary>
public record EventRecord
{
    /// <summary>Dense from 1 in each run.</summary>
    public required long Sequence { get; init; }

    /// <summary>Name of the message's record in the contracts.</summary>
    public required string Type { get; init; }

    /// <summary>When it was written: UTC, <c>yyyy-MM-ddTHH:mm:ss.fffffffZ</c>; null where it is of single clients, whose durations no log tells (privacy rule 19).</summary>
    public required string? At { get; init; }

    /// <summary>The message as JSON. In a record's own JSON it stands as it is, byte for byte, because hashes are taken over it.</summary>
    [JsonConverter(typeof(VerbatimJson))]
    public required string Body { get; init; }

    /// <summary>Hash of the record before, 64 lower-case hexadecimal digits; 64 zeros before the first.</summary>
    public required string PreviousHash { get; init; }

    /// <summary>SHA-256 of the previous hash's 32 bytes and this record's canonical text.</summary>
    public required string Hash { get; init; }

    private sealed class VerbatimJson : JsonConverter<string>
    {
        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var value = JsonDocument.ParseValue(ref reader);
            return value.RootElement.GetRawText();
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteRawValue(value, skipInputValidation: true);
    }
}
