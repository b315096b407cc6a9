using FlEvents.Contracts;
using FlEvents.Orchestrator.Events;
using FlEvents.Standalone.Privacy;

namespace FlEvents.Standalone.Replay;

/// <summary>What a replay has verified.</summary>
/// <param name="Head">The log's last record.</param>
/// <param name="Anchor">File beside the log that names the head; null where none does.</param>
/// <param name="Charges">Null where no ledger lies with the log.</param>
/// <param name="Ledger">Place of the ledger.</param>
public record Replayed(RunHistory History, ChainHead Head, string? Anchor, ModelReplay Models, ChargeReplay? Charges, string? Ledger);

/// <summary>Replays a run from its folder: log, then models, then ledger; the first thing that is wrong ends it.</summary>
public static class RunReplay
{
    /// <returns>What was verified, or what is wrong.</returns>
    /// <exception cref="NoEventLogException">The folder holds no log.</exception>
    public static (Replayed? Replayed, ReplayFault? Fault) Of(string path, int threads)
    {
        var folder = new ReplayFolder(path);
        var history = new RunHistory();
        using var events = new BufferedStream(File.OpenRead(folder.Events), 1 << 16);
        var (head, fault) = ReadLog(events, folder.Anchor, history);
        fault ??= history.Unfinished();
        if (fault is not null)
        {
            return (null, fault);
        }

        var models = new ModelReplay(history, folder, threads);
        if (models.FirstFault() is { } wrong)
        {
            return (null, wrong);
        }

        using var ledger = OpenLedger(path);
        var charges = ledger is null ? null : new ChargeReplay(history);
        return charges?.FirstFault(ledger!) is { } other
            ? (null, other)
            : (new Replayed(history, head, folder.Anchor?.File, models, charges, ledger?.Place), null);
    }

    /// <summary>Takes a log in, record by record, up to the first that is wrong.</summary>
    /// <param name="events">The content of <c>events.jsonl</c>.</param>
    /// <param name="anchor">What else names the log's last record; null where nothing does.</param>
    /// <param name="history">Takes the records in.</param>
    public static (ChainHead Head, ReplayFault? Fault) ReadLog(Stream events, EventsAnchor? anchor, RunHistory history)
    {
        var head = HashChain.Empty;
        var anchored = 0L;
        foreach (var (record, unreadable) in EventsFile.Read(events))
        {
            if (record is null)
            {
                return (head, ReplayFault.At(head.Sequence + 1, type: null, unreadable!));
            }

            if ((EventChain.FaultOf(head, record) ?? history.On(record)) is { } fault)
            {
                return (head, ReplayFault.At(head.Sequence + 1, record.Type, fault));
            }

            head = new ChainHead(record.Sequence, record.Hash);
            anchored = record.Hash == anchor?.Head ? record.Sequence : anchored;
        }

        return (head, FaultOfEnd(history, head, anchor, anchored));
    }

    // A chain says nothing of what came after its last record.
    private static ReplayFault? FaultOfEnd(RunHistory history, ChainHead head, EventsAnchor? anchor, long anchored)
    {
        var reason = history.Ended is null ? $"it is missing: the log ends before {nameof(RunCompleted)}"
            : anchor is null || anchored == head.Sequence ? null
            : anchor.Head is null ? $"{anchor.File} names no hash of a last record as {EventsAnchor.Name}"
            : anchored > 0 ? $"it was added: {anchor.File} names record {anchored} as the last"
            : $"it is missing: {anchor.File} names {anchor.Head} as the hash of the last record, and the log ends with {head.Hash}";
        return reason is null ? null : ReplayFault.At((anchored > 0 ? anchored : head.Sequence) + 1, type: null, reason);
    }

    private static LedgerFileSource? OpenLedger(string path)
    {
        try
        {
            return LedgerFileSource.Open(path);
        }
        catch (NoLedgerException)
        {
            return null;
        }
    }
}
