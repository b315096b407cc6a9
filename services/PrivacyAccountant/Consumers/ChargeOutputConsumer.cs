using FlEvents.Contracts;
using MassTransit;

namespace FlEvents.PrivacyAccountant;

public sealed partial class ChargeOutputConsumer(LedgerTransactions ledger, LedgerDatabase database, ILogger<ChargeOutputConsumer> log) : IConsumer<ChargeOutput>
{
    public async Task Consume(ConsumeContext<ChargeOutput> context)
    {
        var message = context.Message;
        BudgetMessages.Check(message);
        if (database.Read(transaction => ReservationKeys.Defect(transaction, message)) is { } defect)
        {
            throw new InvalidDataException(defect);
        }

        var decision = await ledger.ApplyAsync(context, transaction => Ledger.On(LedgerStore.Load(transaction, message), message, transaction.Now));
        if (decision is { Entries.Count: > 0 })
        {
            LogCharged(message.RunId, message.Round, message.ClientId, message.UpdateSha256);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Run {runId}, round {round}: {clientId} sent a second, different update, {sha256}: it is charged again.")]
    private partial void LogCharged(Guid runId, int round, string clientId, string sha256);
}
