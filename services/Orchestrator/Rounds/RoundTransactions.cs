using FlEvents.Orchestrator.Events;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.Orchestrator.Rounds;

/// <summary>Lets the coordinator work on the Orchestrator's database: one message, one transaction.</summary>
public sealed class RoundTransactions(OrchestratorDatabase database, OrchestratorOptions options, ProgressSignals progress, EdgeSignals edge, OrchestratorMetrics metrics)
{
    private readonly TimeSpan _clientTimeout = TimeSpan.FromSeconds(options.ClientTimeoutSeconds);

    /// <summary>The coordinator inside a transaction.</summary>
    public RoundCoordinator In(Transaction transaction) =>
        new(new RoundTables(transaction, _clientTimeout, progress, edge, metrics), options.DispatchAhead);

    /// <summary>Counts a member's lease that has ended, unless the member is still waited for; once this is committed.</summary>
    public void CountExpiry(Transaction transaction, Member before)
    {
        if (MemberStore.Find(transaction, before.RoundId, before.ClientId) != before)
        {
            transaction.OnCommitted(metrics.LeaseExpired);
        }
    }

    /// <summary>Takes a message, unless it was received before.</summary>
    public Task ConsumeAsync<T>(ConsumeContext<T> context, Action<RoundCoordinator, T> take)
        where T : class => database.ConsumeAsync(context, transaction => Take(transaction, context.Message, take));

    /// <summary>Takes what a client says, whichever way it came.</summary>
    public void Take<T>(Transaction transaction, T message, Action<RoundCoordinator, T> take)
        where T : class
    {
        EventLog.Append(transaction, message);
        take(In(transaction), message);
    }
}
