using System.Buffers.Binary;
using System.Diagnostics.Metrics;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>Counts messages as services take them.</summary>
internal static class ReceivedMessages
{
    private const int VersionOfTime = 7;
    private static readonly Meter Meter = new("FlEvents.Messaging.Received");

    private static readonly Histogram<double> Age = Meter.CreateHistogram<double>(
        "fl_message_age_seconds",
        "s",
        "Time from a message's creation until its effect is committed, waiting in outbox and queue included, by service.",
        tags: null,
        Buckets.Seconds);

    private static readonly Counter<long> Duplicates = Meter.CreateCounter<long>(
        "fl_inbox_duplicates_total", "{message}", "Messages that had come before and were dropped, by service.");

    /// <summary>Notes a message whose transaction is committed.</summary>
    public static void Count(Database database, Guid messageId, bool isFirst, DateTimeOffset now)
    {
        var service = KeyValuePair.Create("service", (object?)database.Name);
        database.Received(now);
        Duplicates.Add(isFirst ? 0 : 1, service);
        if (isFirst && CreatedAt(messageId) is { } createdAt)
        {
            Age.Record(Math.Max(0, (now - createdAt).TotalSeconds), service);
        }
    }

    /// <summary>When a message of the product was made: the first 48 bits of a UUID of version 7 (RFC 9562) are its Unix time in milliseconds.</summary>
    private static DateTimeOffset? CreatedAt(Guid messageId)
    {
        Span<byte> bytes = stackalloc byte[16];
        return messageId.Version == VersionOfTime && messageId.TryWriteBytes(bytes, bigEndian: true, out _)
            ? DateTimeOffset.FromUnixTimeMilliseconds((long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16))
            : null;
    }
}
