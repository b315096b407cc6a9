using FlEvents.Orchestrator.Events;

namespace FlEvents.Standalone.Replay;

/// <summary>The first thing that is not what it should be.</summary>
/// <param name="Place">A record of the log with its type, or an entry of the ledger.</param>
/// <param name="Reason">What is wrong with it.</param>
public record ReplayFault(string Place, string Reason)
{
    public static ReplayFault At(long sequence, string? type, string reason) => new(type is null ? $"record {sequence}" : $"record {sequence}, {type}", reason);

    public static ReplayFault At(EventRecord record, string reason) => At(record.Sequence, record.Type, reason);
}

/// <summary>There is nothing to replay in a folder. The message says what was expected.</summary>
public sealed class NoEventLogException(string message) : Exception(message);
