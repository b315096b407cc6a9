using System.Globalization;
using System.Security.Cryptography;
using FlEvents.Contracts;

namespace FlEvents.Orchestrator.Events;

/// <summary>The chain of a run's event log: each record's hash covers its content and every record before it.</summary>
public static class EventChain
{
    /// <summary>The head of a log without records.</summary>
    public static EventsHead Empty { get; } = new(0, new string('0', 64));

    /// <summary>The record that continues the chain at <paramref name="head"/>.</summary>
    public static EventRecord Append(EventsHead head, string type, string body, DateTimeOffset? at)
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

    /// <summary>SHA-256 over the 32 bytes of the previous hash, then the <see cref="CanonicalText"/> of sequence, type, time and body.</summary>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string HashOf(EventRecord record)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Convert.FromHexString(record.PreviousHash));
        hash.AppendData(CanonicalText.Of(
            ("sequence", record.Sequence.ToString(CultureInfo.InvariantCulture)),
            ("type", record.Type),
            ("at", record.At),
            ("body", record.Body)));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Why a record does not continue the chain; null when it does.</summary>
    public static string? FaultOf(EventsHead head, EventRecord record)
    {
        if (record.Sequence != head.Sequence + 1)
        {
            return $"sequence {record.Sequence} follows {head.Sequence}";
        }

        if (record.PreviousHash != head.Hash)
        {
            return $"previous hash {record.PreviousHash} is not {head.Hash}, the hash of the record before";
        }

        var hash = HashOf(record);
        return record.Hash == hash ? null : $"hash {record.Hash} is not {hash}, the hash of its content";
    }
}
