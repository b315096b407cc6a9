using System.Globalization;
using System.Text.Json;
using FlEvents.Contracts;
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
        var expected = receipts.ToLookup(receipt => receipt.Sequence, receipt => receipt.Hash);
        var last = new Dictionary<ReservationKey, LedgerEntry>();
        foreach (var entry in entries)
        {
            var fault = ChainFault(head, entry) ?? ReservationFault(last, entry) ?? ChargeFault(entry) ?? ReceiptFault(expected[entry.Sequence], entry.Hash);
            if (fault is not null)
            {
                return new LedgerFault(head.Sequence + 1, fault);
            }

            if (entry.ReservationId is { } reservationId)
            {
                last[new ReservationKey(reservationId, entry.Unit)] = entry;
            }

            head = new LedgerReceipt { Sequence = entry.Sequence, Hash = entry.Hash };
        }

        var missing = expected.Where(receipt => receipt.Key > head.Sequence).Select(receipt => receipt.Key).DefaultIfEmpty().Max();
        return missing > 0 ? new LedgerFault(head.Sequence + 1, $"the log ends after entry {head.Sequence}, but a receipt names entry {missing}") : null;
    }

    private static string? ChainFault(LedgerReceipt head, LedgerEntry entry)
    {
        if (entry.Sequence != head.Sequence + 1)
        {
            return $"sequence {entry.Sequence} follows {head.Sequence}";
        }

        if (entry.PreviousHash != head.Hash)
        {
            return $"previous hash {entry.PreviousHash} is not {head.Hash}, the hash of the entry before";
        }

        var hash = LedgerChain.HashOf(entry);
        return entry.Hash == hash ? null : $"hash {entry.Hash} is not {hash}, the hash of its content";
    }

    private static string? ReservationFault(Dictionary<ReservationKey, LedgerEntry> last, LedgerEntry entry)
    {
        if (entry.ReservationId is not { } reservationId)
        {
            return entry.Kind == EntryKind.Budget ? null : "it names no reservation";
        }

        var before = last.GetValueOrDefault(new ReservationKey(reservationId, entry.Unit));
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

    // A newer accountant may find a charge a little smaller or larger: stored charges are not rewritten, but none may be below by more than rounding.
    private static string? ChargeFault(LedgerEntry entry)
    {
        if (entry.Kind == EntryKind.Budget || entry.Charge is null)
        {
            return null;
        }

        if (ChargeOf(entry.Event) is not { } charge)
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

        return UnitsOf(charge, entry.Alpha) is not { } units ? $"charge {entry.Charge} can't be computed from its event at order {entry.Alpha}"
            : long.TryParse(entry.Charge, NumberStyles.None, CultureInfo.InvariantCulture, out var stored) && stored >= units - 1 ? null
            : $"charge {entry.Charge} is below {units}, which its event costs at order {entry.Alpha}";
    }

    private static PrivacyCharge? ChargeOf(string text)
    {
        try
        {
            return Reservation.Read<PrivacyCharge>(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static long? UnitsOf(PrivacyCharge charge, double? order)
    {
        try
        {
            return order is { } alpha ? Pricing.UnitsOf(Pricing.TextOf(Pricing.EventOf(charge), alpha)) : null;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
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

    private static string? ReceiptFault(IEnumerable<string> receipts, string hash) =>
        receipts.FirstOrDefault(receipt => receipt != hash) is { } receipt ? $"hash {hash} is not {receipt}, which a receipt names" : null;
}

/// <summary>The first entry that is wrong, counted from 1, and why.</summary>
public record LedgerFault(long Sequence, string Reason);
