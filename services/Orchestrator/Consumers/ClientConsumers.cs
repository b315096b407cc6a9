using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;

namespace FlEvents.Orchestrator.Consumers;

public sealed class EnrollClientConsumer(OrchestratorDatabase database) : IConsumer<EnrollClient>
{
    public Task Consume(ConsumeContext<EnrollClient> context) => database.ConsumeAsync(context, transaction =>
    {
        var message = context.Message;
        var refused = message.Clients.Select(client => ClientStore.Enroll(transaction, message.Pool, client)).OfType<ClientRefusal>().ToList();
        transaction.Send(new ClientEnrolled
        {
            WorkerId = message.WorkerId,
            ClientIds = message.Clients.Select(client => client.ClientId).Except(refused.Select(refusal => refusal.ClientId)).ToList(),
            Refused = refused,
        });
    });
}

public sealed class WorkerHeartbeatConsumer(OrchestratorDatabase database, RoundTransactions rounds) : IConsumer<WorkerHeartbeat>
{
    public Task Consume(ConsumeContext<WorkerHeartbeat> context) => database.WriteAsync(
        transaction =>
        {
            ClientStore.Heard(transaction, context.Message);
            rounds.In(transaction).Dispatch();
        },
        context.CancellationToken,
        nameof(WorkerHeartbeat));
}
