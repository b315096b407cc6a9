using System.Text.Json;
using FlEvents.Orchestrator.Events;
using FlEvents.Standalone.Report;

namespace FlEvents.Standalone.Replay;

/// <summary>A run's event log as a file: a record on each line, spelled as the API spells it, so that every hash can be computed from the line alone.</summary>
public static class EventsFile
{
    private const byte LineFeed = (byte)'\n';
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };

    /// <summary>Writes a log so that a reader sees the old file or the whole new one.</summary>
    /// <returns>The hash of its last record; null for a log without records, of which no file is made.</returns>
    public static string? Write(string path, IEnumerable<EventRecord> records)
    {
        string? head = null;
        using var rest = records.GetEnumerator();
        if (!rest.MoveNext())
        {
            return head;
        }

        AtomicFile.Write(path, rest, (file, left) =>
        {
            do
            {
                file.Write(JsonSerializer.SerializeToUtf8Bytes(left.Current, Json));
                file.WriteByte(LineFeed);
                head = left.Current.Hash;
            }
            while (left.MoveNext());
        });
        return head;
    }

    /// <summary>The records of a file in order. A line that is none ends them, with what is wrong with it.</summary>
    public static IEnumerable<(EventRecord? Record, string? Fault)> Read(Stream file)
    {
        using var line = new MemoryStream();
        for (var next = file.ReadByte(); next >= 0; next = file.ReadByte())
        {
            if (next != LineFeed)
            {
                line.WriteByte((byte)next);
                continue;
            }

            var (record, fault) = Parse(line.GetBuffer().AsSpan(0, (int)line.Length));
            yield return (record, fault);
            if (record is null)
            {
                yield break;
            }

            line.SetLength(0);
        }

        if (line.Length > 0)
        {
            yield return (null, "its line has no end");
        }
    }

    private static (EventRecord? Record, string? Fault) Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            // Another spelling of the same values was not written by the product.
            var record = JsonSerializer.Deserialize<EventRecord>(line, Json);
            return JsonSerializer.SerializeToUtf8Bytes(record, Json).AsSpan().SequenceEqual(line) ? (record, null) : (null, "its line is not spelled as records are");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return (null, "its line is no record of a log");
        }
    }
}
