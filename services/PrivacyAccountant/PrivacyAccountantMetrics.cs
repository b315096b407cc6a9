using System.Diagnostics.Metrics;
using FlEvents.Contracts;

namespace FlEvents.PrivacyAccountant;

/// <summary>Counts what the ledger has committed; never by client.</summary>
public sealed class PrivacyAccountantMetrics
{
    private readonly Counter<long> _entries;
    private readonly Counter<long> _refusals;
    private long _headSequence;

    public PrivacyAccountantMetrics(IMeterFactory meters, LedgerStore ledger)
    {
        var meter = meters.Create("FlEvents.PrivacyAccountant");
        _entries = meter.CreateCounter<long>("fl_ledger_entries_total", description: "Entries appended to the privacy ledger since the start of the process.");
        _refusals = meter.CreateCounter<long>("fl_budget_refusals_total", description: "Clients the privacy ledger refused to charge for a round.");
        _headSequence = ledger.Head().Sequence;
        meter.CreateObservableGauge(
            "fl_ledger_head_sequence", () => Volatile.Read(ref _headSequence), description: "Sequence number of the privacy ledger's last entry.");
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

        if (decision is not null)
        {
            InterlockedMaximum(ref _headSequence, decision.State.Head.Sequence);
        }
    }

    // Consumers report out of order.
    private static void InterlockedMaximum(ref long location, long value)
    {
        var seen = Volatile.Read(ref location);
        while (seen < value)
        {
            var before = Interlocked.CompareExchange(ref location, value, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
