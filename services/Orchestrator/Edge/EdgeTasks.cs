using FlEvents.Contracts;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;

namespace FlEvents.Orchestrator.Edge;

/// <summary>
/// A client's tasks over HTTPS. The rows of its rounds are its mailbox; what it says goes through the round protocol as a worker's word on the bus does. A client is
/// only ever looked for by its own id and a round: it can't name another's task.
/// </summary>
public sealed class EdgeTasks(OrchestratorDatabase database, RoundTransactions rounds, EdgeSignals signals, OrchestratorOptions options, TimeProvider time)
{
    // Of the time after which a client that is not heard of counts as gone.
    private const double NotedEvery = 1.0 / 6;

    /// <summary>The client's open tasks. That it asks is its sign of life, noted once in a while: who asks in a loop writes nothing.</summary>
    /// <param name="wait">How long to wait for one that was not accepted yet.</param>
    public async Task<IReadOnlyList<EdgeTask>> OpenAsync(string clientId, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var over = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
        await using var changes = signals.WatchAsync(clientId, either.Token).GetAsyncEnumerator(CancellationToken.None);

        // After the watch has begun, so that no task can come between.
        if (!database.Read(transaction => ClientStore.WasHeard(transaction, WorkerOf(clientId), NotedEvery * TimeSpan.FromSeconds(options.ClientTimeoutSeconds))))
        {
            await database.WriteAsync(transaction => Heard(transaction, clientId), cancellationToken);
        }

        while (true)
        {
            var tasks = database.Read(transaction => Open(transaction, clientId));
            if (wait == TimeSpan.Zero || tasks.Any(task => task.State == EdgeTaskState.Dispatched) || !await ChangedAsync())
            {
                return tasks;
            }
        }

        async Task<bool> ChangedAsync()
        {
            try
            {
                return await changes.MoveNextAsync();
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                return false;
            }
        }
    }

    /// <summary>Where a task of the client's stands; null when it has none in the round.</summary>
    public EdgeStatus? Find(string clientId, Guid roundId) =>
        database.Read(transaction => MemberStore.Find(transaction, roundId, clientId)) is { } member ? EdgeStatus.Of(member) : null;

    /// <summary>Takes a task: only now its client learns the token that opens an upload, so that a refusal proves that nothing was sent.</summary>
    public Task<EdgeAnswer> AcceptAsync(string clientId, Guid roundId, int leaseNumber, CancellationToken cancellationToken) => ChangeAsync(
        clientId, roundId, leaseNumber, [MemberState.Dispatched, MemberState.Accepted], (transaction, round, member) =>
        {
            rounds.Take(transaction, new TrainingAccepted
            {
                RunId = round.RunId,
                RoundId = roundId,
                Round = round.Number,
                ClientId = clientId,
                ReservationId = member.ReservationId,
                LeaseNumber = leaseNumber,
                WorkerId = WorkerOf(clientId),
            }, (coordinator, message) => coordinator.On(message));
        }, cancellationToken);

    public Task<EdgeAnswer> RenewAsync(string clientId, Guid roundId, int leaseNumber, CancellationToken cancellationToken) => ChangeAsync(
        clientId, roundId, leaseNumber, [MemberState.Accepted], (transaction, round, member) =>
        {
            Heard(transaction, clientId);
            rounds.Take(transaction, new LeaseRenewed
            {
                RunId = round.RunId,
                RoundId = roundId,
                Round = round.Number,
                ClientId = clientId,
                ReservationId = member.ReservationId,
                LeaseNumber = leaseNumber,
                WorkerId = WorkerOf(clientId),
            }, (coordinator, message) => coordinator.On(message));
        }, cancellationToken);

    public Task<EdgeAnswer> RefuseAsync(string clientId, Guid roundId, EdgeEnd end, CancellationToken cancellationToken) => ChangeAsync(
        clientId, roundId, end.LeaseNumber, [MemberState.Dispatched], (transaction, round, member) => rounds.Take(transaction, new TrainingRefused
        {
            RunId = round.RunId,
            RoundId = roundId,
            Round = round.Number,
            ClientId = clientId,
            ReservationId = member.ReservationId,
            LeaseNumber = end.LeaseNumber,
            RefusalSha256 = LeaseToken.RefusalOf(member.LeaseToken),
            ReasonCode = end.ReasonCode,
            Detail = end.Detail,
        }, (coordinator, message) => coordinator.On(message)), cancellationToken);

    public Task<EdgeAnswer> InterruptAsync(string clientId, Guid roundId, EdgeEnd end, CancellationToken cancellationToken) => ChangeAsync(
        clientId, roundId, end.LeaseNumber, [MemberState.Accepted], (transaction, round, member) => rounds.Take(transaction, new TrainingInterrupted
        {
            RunId = round.RunId,
            RoundId = roundId,
            Round = round.Number,
            ClientId = clientId,
            ReservationId = member.ReservationId,
            LeaseNumber = end.LeaseNumber,
            ReasonCode = end.ReasonCode,
            Detail = end.Detail,
        }, (coordinator, message) => coordinator.On(message)), cancellationToken);

    /// <summary>Announces an update to the Aggregator, whose book decides about it: also about one that is late.</summary>
    public Task<EdgeAnswer> SubmitAsync(string clientId, Guid roundId, EdgeUpdate update, CancellationToken cancellationToken) => ChangeAsync(
        clientId, roundId, update.LeaseNumber, [MemberState.Accepted, MemberState.Failed], (transaction, round, member) => transaction.Send(new UpdateSubmitted
        {
            RunId = round.RunId,
            RoundId = roundId,
            Round = round.Number,
            ClientId = clientId,
            ReservationId = member.ReservationId,
            Attempt = 1,
            LeaseNumber = member.LeaseNumber,
            LeaseToken = member.LeaseToken,
            BaseModelSha256 = round.BaseModel.Sha256,
            Update = update.Update,
            ExampleCount = update.ExampleCount,
            TrainingLoss = update.TrainingLoss,
            TrainingSeconds = update.TrainingSeconds,
            Signature = update.Signature,
        }), cancellationToken);

    private Task<EdgeAnswer> ChangeAsync(
        string clientId, Guid roundId, int leaseNumber, MemberState[] allowed, Action<Transaction, Round, Member> change, CancellationToken cancellationToken) => database.WriteAsync(
        transaction =>
        {
            if (MemberStore.Find(transaction, roundId, clientId) is not { CarriedFrom: null } member || RoundStore.Find(transaction, roundId) is not { } round)
            {
                return EdgeAnswer.Refused(404, $"{clientId} has no task in round {roundId}.");
            }

            if (leaseNumber != member.LeaseNumber)
            {
                return EdgeAnswer.Refused(409, $"{RejectionCode.LeaseLost}: the task is at lease {member.LeaseNumber}, not {leaseNumber}.");
            }

            if (!allowed.Contains(member.State))
            {
                return EdgeAnswer.Refused(409, $"The task is {Name(member.State)}; expected {string.Join(" or ", allowed.Select(Name))}.");
            }

            if (!round.IsCollecting && !allowed.Contains(MemberState.Failed))
            {
                return EdgeAnswer.Refused(409, $"{RejectionCode.Late}: round {round.Number} is closed.");
            }

            change(transaction, round, member);
            return new EdgeAnswer(MemberStore.Find(transaction, roundId, clientId) is { State: MemberState.Accepted } accepted ? TaskOf(transaction, round, accepted) : null);
        },
        cancellationToken);

    private void Heard(Transaction transaction, string clientId)
    {
        ClientStore.Heard(transaction, new WorkerHeartbeat { WorkerId = WorkerOf(clientId), Pool = null, ClientId = clientId, Slots = 1, Running = 0 });
        rounds.In(transaction).Dispatch();
    }

    private static List<EdgeTask> Open(Transaction transaction, string clientId) =>
    [
        .. from member in MemberStore.InFlight(transaction, Routes.Silo(clientId))
           where member is { CarriedFrom: null } && member.ClientId == clientId
           let round = RoundStore.Find(transaction, member.RoundId)!
           where round.IsCollecting
           select TaskOf(transaction, round, member),
    ];

    private static EdgeTask TaskOf(Transaction transaction, Round round, Member member)
    {
        var task = RoundMessages.Train(RunStore.Find(transaction, round.RunId)!, round, member);
        return member.State == MemberState.Accepted
            ? new EdgeTask(EdgeTaskState.Accepted, task)
            : new EdgeTask(EdgeTaskState.Dispatched, task with { LeaseToken = "" });
    }

    private static string WorkerOf(string clientId) => $"edge-{clientId}";

    internal static string Name(MemberState state) => state.ToString().ToLowerInvariant();
}
