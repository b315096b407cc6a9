using System.Diagnostics.Metrics;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Metrics;

namespace FlEvents.PrivacyAccountant;

/// <summary>Counts what the ledger has committed, never by client; and tells how far its log is, as the database has it.</summary>
public sealed class PrivacyAccountantMetrics
{
    private static readonly string[] RefusalReasons =
    [
        BudgetRefusalCode.BudgetExhausted, BudgetRefusalCode.OwnerAlreadyInRound, BudgetRefusalCode.Conflict, BudgetRefusalCode.RoundCommitted, BudgetRefusalCode.Refunded,
    ];

    private readonly Counter<long> _entries;
    private readonly Counter<long> _refusals;

    public PrivacyAccountantMetrics(IMeterFactory meters, LedgerStore ledger)
    {
        var meter = meters.Create("FlEvents.PrivacyAccountant");
        _entries = meter.CreateCounter<long>("fl_ledger_entries_total", "{entry}", "Entries appended to the privacy ledger for messages, by kind; not budgets that were set.");
        _refusals = meter.CreateCounter<long>("fl_budget_refusals_total", "{client}", "Clients the privacy ledger refused to charge for a round, by reason code.");
        meter.CreateObservableGauge(
            "fl_ledger_head_sequence",
            () => DatabaseGauge.Of(ledger.Database, transaction => LedgerStore.Head(transaction).Sequence),
            "{entry}",
            "Sequence number of the privacy ledger's last entry.");
        meter.CreateObservableGauge(
            "fl_ledger_quarantined",
            () => DatabaseGauge.Of(ledger.Database, transaction => LedgerQuarantines.IsQuarantined(transaction) ? 1 : 0),
            "{flag}",
            "1 while the privacy ledger is quarantined and charges nothing.");
        foreach (var reason in RefusalReasons)
        {
            _refusals.Add(0, KeyValuePair.Create("reason", (object?)reason));
        }

        foreach (var kind in new[] { EntryKind.Reserve, EntryKind.Commit, EntryKind.Refund })
        {
            _entries.Add(0, KeyValuePair.Create("kind", (object?)LedgerChain.Name(kind)));
        }
    }

    /// <summary>Counts a decision that is committed; null is a message that was received before.</summary>
    public void Record(LedgerDecision? decision)
    {
        foreach (var entries in (decision?.Entries ?? []).CountBy(entry => entry.Kind))
        {
            _entries.Add(entries.Value, KeyValuePair.Create("kind", (object?)LedgerChain.Name(entries.Key)));
        }

        foreach (var refusal in (decision?.Messages ?? []).OfType<BudgetRefused>().SelectMany(message => message.Refused))
        {
            _refusals.Add(1, KeyValuePair.Create("reason", (object?)refusal.ReasonCode));
        }
    }
}
