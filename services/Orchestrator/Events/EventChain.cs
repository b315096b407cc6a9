using System.Globalization;
using FlEvents.Contracts;

namespace FlEvents.Orchestrator.Events;

/// <summary>The chain of a run's event log: each record's hash covers its content and every record before it.</summary>
public static class EventChain
{
    /// <summary>The record that continues the chain at <paramref name="head"/>.</summary>
    public static EventRecord Append(ChainHead head, string type, string body, DateTimeOffset? at)
    {
        var record = new EventRecord
        {
            Sequence = head.Sequence + 1,
            Type = type,
            At = at?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture),
            Body = body,
            PreviousHash = head.Hash,
            Hash = "",
        };
        return record with { Hash = HashOf(record) };
    }

    /// <summary>The <see cref="HashChain"/>'s hash over sequence, type, time and body.</summary>
    public static string HashOf(EventRecord record) => HashChain.HashOf(
        record.PreviousHash,
        ("sequence", record.Sequence.ToString(CultureInfo.InvariantCulture)),
        ("type", record.Type),
        ("at", record.At),
        ("body", record.Body));

    /// <summary>Why a record does not continue the chain; null when it does.</summary>
    public static string? FaultOf(ChainHead head, EventRecord record) =>
        HashChain.FaultOf(head, new ChainHead(record.Sequence, record.Hash), record.PreviousHash, () => HashOf(record));
}
