using System.Text.Json;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>Follows a log's quarantines: what may be entered in one, and which receipts it told to be lost.</summary>
internal sealed class QuarantineTrail
{
    private readonly HashSet<LedgerReceipt> _told = [];
    private bool _isQuarantined;

    /// <summary>Receipts whose entries are gone, and whose charges were entered anew or taken as they are.</summary>
    public IReadOnlySet<LedgerReceipt> Told => _told;

    /// <summary>What is wrong with where the entry stands; null when nothing is.</summary>
    public string? Fault(LedgerEntry entry)
    {
        var isOfWholeLog = entry.Kind is EntryKind.Quarantine or EntryKind.Reconcile or EntryKind.Release;
        if (isOfWholeLog != (entry.Account is null) || (isOfWholeLog && entry.ReservationId is not null))
        {
            return isOfWholeLog ? "it is of the whole log, but names a ledger" : "it names no ledger";
        }

        if (entry.Kind == EntryKind.Quarantine)
        {
            _isQuarantined = true;
            return null;
        }

        if (isOfWholeLog && !_isQuarantined)
        {
            return "it stands outside of a quarantine";
        }

        if (entry.Kind == EntryKind.Release)
        {
            _isQuarantined = false;
            return null;
        }

        return entry.Kind switch
        {
            EntryKind.Budget => null,
            EntryKind.Reconcile => Read(entry.Event),
            _ when _isQuarantined == (entry.Reason == LedgerReason.Reconciled) => null,
            _ => _isQuarantined ? "it was made while the ledger was quarantined" : "it says that it was made before, outside of a quarantine",
        };
    }

    private string? Read(string told)
    {
        try
        {
            _told.UnionWith(Reservation.Read<LostReceipts>(told).Receipts);
            return null;
        }
        catch (JsonException)
        {
            return $"event {told} names no receipts";
        }
    }
}
