using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

/// <summary>A message to the ledger from its inbox to its answers, in one transaction.</summary>
public sealed partial class LedgerTransactions(LedgerStore ledger, PrivacyAccountantMetrics metrics, ILogger<LedgerTransactions> log)
{
    /// <summary>Decides about a message, saves the decision and sends its messages; counts it once it is committed. In a quarantine the message waits instead.</summary>
    /// <param name="decide">May run again after a fault of the disk: touches nothing but the transaction.</param>
    /// <returns>The decision; null when the message was received before, or waits.</returns>
    public async Task<LedgerDecision?> ApplyAsync<T>(ConsumeContext<T> context, Func<Transaction, LedgerDecision> decide)
        where T : class
    {
        LedgerDecision? decision = null;
        LedgerDecision? begun = null;
        await ledger.Database.ConsumeAsync(context, transaction =>
        {
            (decision, begun) = (null, null);
            if (LedgerQuarantines.Keep(transaction, context.Message) is { IsKept: true } kept)
            {
                begun = kept.Begun;
                return;
            }

            decision = decide(transaction);
            LedgerStore.Save(transaction, decision);
            transaction.SendAll(decision.Messages);
        });
        metrics.Record(decision ?? begun);
        if (begun is not null)
        {
            LogQuarantined(begun.Entries[0].Reason!, begun.Entries[0].Sequence, begun.Entries[0].Event);
        }

        return decision;
    }

    [LoggerMessage(LogLevel.Error, "The ledger is quarantined ({reason}) with entry {sequence}, and charges nothing until it is reconciled: {cause}")]
    private partial void LogQuarantined(string reason, long sequence, string cause);
}
