using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class LedgerReportConsumer(LedgerStore ledger, LedgerPolicy policy, PrivacyAccountantMetrics metrics, ILogger<LedgerReportConsumer> log)
    : IConsumer<LedgerReport>
{
    public async Task Consume(ConsumeContext<LedgerReport> context)
    {
        var message = context.Message;
        BudgetMessages.Check(message);
        LedgerDecision? decision = null;
        await ledger.Database.ConsumeAsync(context, transaction => decision = LedgerQuarantines.On(transaction, message, policy));
        metrics.Record(decision);
        if (decision?.Entries is [.., { Kind: EntryKind.Release } end])
        {
            LogReleased(end.Sequence);
        }
        else if (decision is { Entries.Count: > 0 })
        {
            LogEntered(message.Service, decision.Entries.Count, decision.State.Head.Sequence);
        }
    }

    [LoggerMessage(LogLevel.Information, "The {service} told of what the ledger had lost: {entries} entries are written; its head is {sequence}.")]
    private partial void LogEntered(string service, int entries, long sequence);

    [LoggerMessage(LogLevel.Information, "The ledger is reconciled with entry {sequence}, and charges again.")]
    private partial void LogReleased(long sequence);
}
