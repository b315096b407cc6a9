using System.Globalization;
using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Accounting.Budgets;
using FlEvents.DifferentialPrivacy.Plans;

namespace FlEvents.PrivacyAccountant;

/// <summary>Reads the log as a stranger would: nothing is believed but the entries themselves, and receipts kept elsewhere.</summary>
public static class LedgerVerification
{
    /// <summary>Recomputes the chain and every reservation's way through it.</summary>
    /// <param name="entries">The whole log in order of sequence.</param>
    /// <param name="receipts">Receipts given out earlier: a log cut short, or written anew, no longer holds what they name.</param>
    /// <returns>The first entry that is not what it should be; null when all are.</returns>
    public static LedgerFault? FirstFault(IEnumerable<LedgerEntry> entries, params IEnumerable<LedgerReceipt> receipts)
    {
        var head = LedgerChain.Empty;
        var expected = receipts.Where(receipt => receipt.Sequence > 0).ToLookup(receipt => receipt.Sequence);
        var missing = new List<(LedgerReceipt Receipt, string Fault)>();
        var last = new Dictionary<ReservationKey, LedgerEntry>();
        var measures = new Dictionary<AccountKey, PrivacyMeasure>();
        var quarantine = new QuarantineTrail();
        foreach (var entry in entries)
        {
            var fault = ChainFault(head, entry)
                ?? quarantine.Fault(entry)
                ?? ReservationFault(last, entry)
                ?? MeasureFault(measures, entry)
                ?? ChargeFault(entry);
            if (fault is not null)
            {
                return FirstMissing(missing, quarantine, head) ?? new LedgerFault(head.Sequence + 1, fault);
            }

            if (entry.ReservationId is { } reservationId)
            {
                last[new ReservationKey(reservationId, entry.Unit!.Value)] = entry;
            }

            missing.AddRange(expected[entry.Sequence].Where(receipt => receipt.Hash != entry.Hash)
                .Select(receipt => (receipt, $"hash {entry.Hash} is not {receipt.Hash}, which a receipt names")));
            head = new LedgerReceipt { Sequence = entry.Sequence, Hash = entry.Hash };
        }

        missing.AddRange(expected.Where(receipt => receipt.Key > head.Sequence).SelectMany(receipt => receipt).OrderByDescending(receipt => receipt.Sequence)
            .Select(receipt => (receipt, $"the log ends after entry {head.Sequence}, but a receipt names entry {receipt.Sequence}")));
        return FirstMissing(missing, quarantine, head);
    }

    // What a receipt covers may have been entered anew: only at the end of the log it is known which ones were.
    private static LedgerFault? FirstMissing(List<(LedgerReceipt Receipt, string Fault)> missing, QuarantineTrail quarantine, LedgerReceipt head) => missing
        .Where(found => !quarantine.Told.Contains(found.Receipt))
        .Select(found => new LedgerFault(Math.Min(found.Receipt.Sequence, head.Sequence + 1), found.Fault))
        .FirstOrDefault();

    private static string? ChainFault(LedgerReceipt head, LedgerEntry entry) => HashChain.FaultOf(
        new ChainHead(head.Sequence, head.Hash), new ChainHead(entry.Sequence, entry.Hash), entry.PreviousHash, () => LedgerChain.HashOf(entry));

    private static string? ReservationFault(Dictionary<ReservationKey, LedgerEntry> last, LedgerEntry entry)
    {
        if (entry.ReservationId is not { } reservationId)
        {
            return entry.Kind is EntryKind.Reserve or EntryKind.Commit or EntryKind.Refund ? "it names no reservation" : null;
        }

        var before = last.GetValueOrDefault(new ReservationKey(reservationId, entry.Unit!.Value));
        if (entry.Kind == EntryKind.Reserve)
        {
            return before is null ? null : $"reservation {entry.ReservationId} was made before, in entry {before.Sequence}";
        }

        return before switch
        {
            null => $"reservation {entry.ReservationId} was never made",
            { Kind: not EntryKind.Reserve } => $"reservation {entry.ReservationId} is final since entry {before.Sequence}",
            _ when !SameCharge(before, entry) => $"reservation {entry.ReservationId} was made otherwise, in entry {before.Sequence}",
            _ => null,
        };
    }

    // Charges of two measures can't be added: the first that is told is the account's for ever.
    private static string? MeasureFault(Dictionary<AccountKey, PrivacyMeasure> measures, LedgerEntry entry)
    {
        try
        {
            if (entry.CountedIn is not { } measure)
            {
                return null;
            }

            var account = entry.Account!.Value;
            return measures.TryAdd(account, measure) || measures[account] == measure ? null : $"it counts in {measure}, its account in {measures[account]}";
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    // A newer accountant may find a charge a little smaller or larger: stored charges are not rewritten, but none may be below by more than rounding.
    private static string? ChargeFault(LedgerEntry entry)
    {
        if (entry.Kind == EntryKind.Budget)
        {
            return Read<BudgetTerms>(entry.Event) is { Defect: null } terms && terms.Measure == entry.CountedIn
                ? null
                : $"event {entry.Event} is no budget in the entry's measure";
        }

        if (entry.Charge is null)
        {
            return null;
        }

        if (Read<PrivacyCharge>(entry.Event) is not { } charge)
        {
            return $"event {entry.Event} is no charge";
        }

        if (charge.Mechanism == PrivacyMechanism.Unbounded)
        {
            return entry.Charge == Pricing.Unbounded ? null : $"charge {entry.Charge} is not {Pricing.Unbounded}, as its event is";
        }

        if (entry.Charge == Pricing.Unbounded)
        {
            return null;
        }

        var measure = entry.CountedIn;
        return UnitsOf(charge, measure) is not { } units ? $"charge {entry.Charge} can't be computed from its event in {measure?.ToString() ?? "no measure"}"
            : long.TryParse(entry.Charge, NumberStyles.None, CultureInfo.InvariantCulture, out var stored) && stored >= units - 1 ? null
            : $"charge {entry.Charge} is below {units}, which its event costs in {measure}";
    }

    private static T? Read<T>(string text)
        where T : class
    {
        try
        {
            return Reservation.Read<T>(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static long? UnitsOf(PrivacyCharge charge, PrivacyMeasure? measure)
    {
        try
        {
            return measure is not null && Pricing.ChargeOf(Pricing.EventOf(charge), measure) is { IsUnbounded: false } taken ? taken.Units : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static bool SameCharge(LedgerEntry reserve, LedgerEntry entry) => entry == reserve with
    {
        Sequence = entry.Sequence,
        Kind = entry.Kind,
        Reason = entry.Reason,
        At = entry.At,
        PreviousHash = entry.PreviousHash,
        Hash = entry.Hash,
    };
}

/// <summary>The first entry that is wrong, counted from 1, and why.</summary>
public record LedgerFault(long Sequence, string Reason);
