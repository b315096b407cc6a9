using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;

namespace FlEvents.ClientWorker.Storage;

/// <summary>The worker's tasks, one row each, and the evaluations it has answered. A step's row and its messages commit together.</summary>
public sealed class TaskStore(Database database, OwnerLimits limits)
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    /// <summary>Takes a command: stores what it makes of the task, and answers it.</summary>
    /// <returns>The task after it; null when the message was received before.</returns>
    public async Task<TrainingTask?> TakeAsync(ConsumeContext<TrainClient> context, string workerId, TaskEnd? obstacle)
    {
        TrainingTask? taken = null;
        await database.ConsumeAsync(context, transaction =>
        {
            var command = context.Message;
            var before = Load(transaction, command.ReservationId);
            var veto = obstacle is null && TrainingTask.NeedsSlot(before, command) && transaction.Now < command.DeadlineAt ? limits.Enter(transaction, command) : null;
            var (task, messages) = TrainingTask.On(before, command, new TakeContext(workerId, transaction.Now, obstacle ?? veto, Restoration.All(transaction).Count == 0));
            Save(transaction, task);
            transaction.SendAll(messages);
            Forget(transaction, command.RunId, command.Round);
            taken = task;
        });
        return taken;
    }

    /// <summary>Applies something that happened to a task.</summary>
    /// <returns>The task after it.</returns>
    public Task<TrainingTask> ApplyAsync(Guid reservationId, TaskEvent happened, CancellationToken cancellationToken) =>
        database.WriteAsync(transaction => Apply(transaction, reservationId, happened), cancellationToken, happened.GetType().Name);

    /// <summary>Applies what happened to several tasks, in one transaction.</summary>
    /// <param name="decide">Called inside the transaction, again should it be repeated.</param>
    public Task ApplyAllAsync(Func<IReadOnlyList<(Guid ReservationId, TaskEvent Happened)>> decide, CancellationToken cancellationToken) => database.WriteAsync(
        transaction =>
        {
            foreach (var (reservationId, happened) in decide())
            {
                Apply(transaction, reservationId, happened);
            }
        },
        cancellationToken);

    private const string SelectTask = """
        select reservation_id, run_id, round, client_id, lease_number, state, command, update_sha256, update_size_bytes, example_count,
               training_loss, training_seconds, signature, reason_code, detail, changed_at
        from tasks where reservation_id = @reservationId
        """;

    /// <remarks>Through the writer, which waits out a fault of the disk: a consumer must not fail on one.</remarks>
    public Task<TrainingTask?> FindAsync(Guid reservationId) => database.WriteAsync(transaction => Load(transaction, reservationId), CancellationToken.None);

    private const string SelectAccepted = """
        select reservation_id, run_id, round, client_id, lease_number, state, command, update_sha256, update_size_bytes, example_count,
               training_loss, training_seconds, signature, reason_code, detail, changed_at
        from tasks where state = 'Accepted'
        """;

    /// <summary>
    /// What a restored worker does about the tasks that it knows: one that was not trained may have been trained and sent since, with noise that would be drawn
    /// anew. It is given up, and stays charged. Bytes that are named are the only ones of their task in any case.
    /// </summary>
    internal static void GiveUpAccepted(Transaction transaction, Restoration copy)
    {
        foreach (var task in transaction.Query<TaskRow>(SelectAccepted).Select(row => row.ToTask()))
        {
            var detail = $"The worker was restored from a backup of {copy.TakenAt:yyyy-MM-dd HH:mm:ss} UTC: whether the task was trained since is not known.";
            var (after, messages) = TrainingTask.On(task, new TaskFailed(task.Command.LeaseNumber, detail));
            Save(transaction, after);
            transaction.SendAll(messages);
        }
    }

    private const string SelectUnfinished = """
        select reservation_id, run_id, round, client_id, lease_number, state, command, update_sha256, update_size_bytes, example_count,
               training_loss, training_seconds, signature, reason_code, detail, changed_at
        from tasks where state in ('Accepted', 'Trained') order by changed_at, reservation_id
        """;

    /// <summary>Tasks that an earlier process has left, the oldest first.</summary>
    public IReadOnlyList<TrainingTask> Unfinished() =>
        database.Read(transaction => transaction.Query<TaskRow>(SelectUnfinished).Select(row => row.ToTask()).ToList());

    private const string CountEvaluation = "select count(*) from evaluations where run_id = @RunId and version = @Version and client_id = @ClientId";

    /// <inheritdoc cref="FindAsync"/>
    public Task<bool> HasEvaluatedAsync(EvaluateModel command) => database.WriteAsync(
        transaction => transaction.Scalar<int>(CountEvaluation, new { command.RunId, command.Version, command.ClientId }) > 0, CancellationToken.None);

    private const string InsertEvaluation = """
        insert or ignore into evaluations (run_id, version, client_id, submitted_at) values (@RunId, @Version, @ClientId, @now)
        """;

    /// <summary>Answers an evaluation, once for a run's version and client.</summary>
    public Task AnswerAsync(ConsumeContext<EvaluateModel> context, EvaluationSubmitted answer) => database.ConsumeAsync(context, transaction =>
    {
        if (transaction.Execute(InsertEvaluation, new { answer.RunId, answer.Version, answer.ClientId, now = transaction.Now }) == 1)
        {
            transaction.Send(answer);
        }
    });

    private const string DeleteEnrollments = "delete from outbox where type = 'EnrollClient'";

    /// <summary>Offers the worker's clients anew; what an earlier process offered no longer counts.</summary>
    public Task EnrollAsync(IEnumerable<EnrollClient> pages, CancellationToken cancellationToken) => database.WriteAsync(
        transaction =>
        {
            transaction.Execute(DeleteEnrollments);
            transaction.SendAll(pages);
        },
        cancellationToken);

    private const string DeleteOldTasks = "delete from tasks where state not in ('Accepted', 'Trained') and changed_at < @before";
    private const string DeleteOldEvaluations = "delete from evaluations where submitted_at < @before";
    private const string DeleteOldMessages = "delete from outbox where sent_at is not null and type <> 'EnrollClient' and created_at < @before";

    /// <summary>Forgets what is seven days old and done with: a worker that shares its queue does not hear of a run's end.</summary>
    public Task DeleteOldAsync(CancellationToken cancellationToken) => database.WriteUnsyncedAsync(
        transaction =>
        {
            var before = transaction.Now - Kept;
            transaction.Execute(DeleteOldTasks, new { before });
            transaction.Execute(DeleteOldEvaluations, new { before });
            transaction.Execute(DeleteOldMessages, new { before });
        },
        cancellationToken);

    private const string CountUnsentInterruptions = "select count(*) from outbox where sent_at is null and type = 'TrainingInterrupted'";

    /// <summary>Leases handed back, or lost, that the broker does not know of yet.</summary>
    public int UnsentInterruptions() => database.Read(transaction => transaction.Scalar<int>(CountUnsentInterruptions));

    private static TrainingTask Apply(Transaction transaction, Guid reservationId, TaskEvent happened)
    {
        var before = Load(transaction, reservationId) ?? throw new InvalidOperationException($"There is no task {reservationId}.");
        var (after, messages) = TrainingTask.On(before, happened);
        if (after != before)
        {
            Save(transaction, after);
        }

        transaction.SendAll(messages);
        return after;
    }

    private static TrainingTask? Load(Transaction transaction, Guid reservationId) =>
        transaction.QuerySingleOrDefault<TaskRow>(SelectTask, new { reservationId })?.ToTask();

    private const string UpsertTask = """
        insert into tasks (reservation_id, run_id, round, client_id, lease_number, state, command, update_sha256, update_size_bytes, example_count,
                           training_loss, training_seconds, signature, reason_code, detail, changed_at)
        values (@ReservationId, @RunId, @Round, @ClientId, @LeaseNumber, @State, @Command, @UpdateSha256, @UpdateSizeBytes, @ExampleCount,
                @TrainingLoss, @TrainingSeconds, @Signature, @ReasonCode, @Detail, @ChangedAt)
        on conflict (reservation_id) do update set
            lease_number = excluded.lease_number, state = excluded.state, command = excluded.command, update_sha256 = excluded.update_sha256,
            update_size_bytes = excluded.update_size_bytes, example_count = excluded.example_count, training_loss = excluded.training_loss,
            training_seconds = excluded.training_seconds, signature = excluded.signature, reason_code = excluded.reason_code, detail = excluded.detail, changed_at = excluded.changed_at
        """;

    internal static void Save(Transaction transaction, TrainingTask task) => transaction.Execute(UpsertTask, TaskRow.Of(task, transaction.Now));

    private const string DeleteFinalTasks = """
        delete from tasks where run_id = @runId and round < @round - 1 and state not in ('Accepted', 'Trained')
        """;

    // A round's task is sent only when the rounds before it are final.
    private static void Forget(Transaction transaction, Guid runId, int round)
    {
        transaction.ForgetSent(runId, round);
        transaction.Execute(DeleteFinalTasks, new { runId, round });
    }
}
