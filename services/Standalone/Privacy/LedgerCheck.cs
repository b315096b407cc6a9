using FlEvents.PrivacyAccountant;
using FlEvents.Standalone.Console;

namespace FlEvents.Standalone.Privacy;

/// <summary>Verifies a ledger: every hash, every charge, every receipt, and the sums that admission goes by.</summary>
public static class LedgerCheck
{
    /// <summary>Writes what was found.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(ILedgerSource source, TextWriter output, TextWriter errors)
    {
        var receipts = source.Receipts();
        var head = LedgerChain.Empty;
        long? quarantine = null;
        IEnumerable<LedgerEntry> Followed()
        {
            foreach (var entry in source.Entries())
            {
                head = new() { Sequence = entry.Sequence, Hash = entry.Hash };
                quarantine = entry.Kind switch { EntryKind.Quarantine => entry.Sequence, EntryKind.Release => null, _ => quarantine };
                yield return entry;
            }
        }

        if (Fault(Followed(), receipts) is { } fault)
        {
            errors.WriteLine($"{source.Place}: entry {fault.Sequence} is wrong: {fault.Reason}.");
            return ExitCode.Failed;
        }

        if (WrongTotals(source) is { } wrong)
        {
            errors.WriteLine($"{source.Place}: the log is right, but {wrong}.");
            return ExitCode.Failed;
        }

        output.WriteLine($"Ledger    {source.Place}");
        var plural = receipts.Count == 1 ? "" : "s";
        output.WriteLine($"Entries   {HumanUnits.Count(head.Sequence)}, each as it was written; {HumanUnits.Count(receipts.Count)} receipt{plural} held");
        output.WriteLine($"Head      {head.Hash}");
        if (quarantine is not null)
        {
            output.WriteLine($"State     quarantined since entry {quarantine}: it charges nothing");
        }

        return ExitCode.Done;
    }

    private static LedgerFault? Fault(IEnumerable<LedgerEntry> entries, IReadOnlyList<Contracts.LedgerReceipt> receipts)
    {
        try
        {
            return LedgerVerification.FirstFault(entries, receipts);
        }
        catch (UnreadableEntryException e)
        {
            return new LedgerFault(e.Sequence, e.Message);
        }
    }

    private static string? WrongTotals(ILedgerSource source)
    {
        var kept = source.Totals();
        if (kept.Count == 0)
        {
            return null;
        }

        var replayed = LedgerReplay.Of(source.Entries(), newest: 0);
        return kept.Where(totals => totals != replayed.GetValueOrDefault(totals.Key)?.Totals)
            .Select(totals => $"ledger_unit of {totals.Key.LedgerId} in the unit {LedgerChain.Name(totals.Key.Unit)} is not the sum of its entries: "
                + $"it has {totals.Spent} units spent, the log {replayed.GetValueOrDefault(totals.Key)?.Totals.Spent ?? 0}")
            .FirstOrDefault();
    }
}
