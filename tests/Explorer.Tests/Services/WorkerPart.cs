using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;

namespace FlEvents.Explorer.Tests.Services;

/// <summary>
/// Workers: <see cref="TrainingTask"/> over rows in memory, with what the task runner does between the transactions, in its order. To train, to
/// keep the update, to note it in the task's row and to send it is one step: nobody can tell before it is sent, and a worker that dies in between
/// does it again.
/// </summary>
internal sealed class WorkerPart(Scenario scenario, Mail mail) : Part<WorkerRows>(mail, rows => rows)
{
    private const int TakeKind = 0, TrainKind = 1, AnnounceKind = 2, FailKind = 3, StopKind = 4, ForgetKind = 5, LoseKind = 6;
    private const int Worker = 100;

    // One name for both: nothing depends on who it is, and worlds that differ in it are one.
    private const string WorkerId = "worker";

    public int Begin() => Rows.IdOf(new WorkerRows());

    public Outcome Take(int rows, int message, int clock) =>
        Known(rows, TakeKind, message, clock) ?? Learn(rows, TakeKind, message, clock, Take(Rows[rows], (TrainClient)Mail.Messages[message].Message, clock));

    /// <summary>Trains, keeps the update and notes it.</summary>
    public Outcome Train(int rows, int worker, int reservation) => Known(rows, TrainKind + (Worker * worker), reservation, 0)
        ?? Learn(rows, TrainKind + (Worker * worker), reservation, 0, Train(Rows[rows], worker, scenario.Reservations[reservation]));

    /// <summary>The update store has every byte.</summary>
    public Outcome Announce(int rows, int reservation) => Known(rows, AnnounceKind, reservation, 0)
        ?? Learn(rows, AnnounceKind, reservation, 0, Announce(Rows[rows], scenario.Reservations[reservation]));

    /// <summary>Gives a task up: its deadline has passed, or the update store has refused its update.</summary>
    public Outcome Fail(int rows, int reservation) => Known(rows, FailKind, reservation, 0)
        ?? Learn(rows, FailKind, reservation, 0, Fail(Rows[rows], scenario.Reservations[reservation]));

    /// <summary>Gives a task up: its lease is lost.</summary>
    public Outcome Lose(int rows, int reservation) => Known(rows, LoseKind, reservation, 0)
        ?? Learn(rows, LoseKind, reservation, 0, Lose(Rows[rows], scenario.Reservations[reservation]));

    /// <summary>Stops as it was told to, and starts again.</summary>
    public Outcome Stop(int rows) => Known(rows, StopKind, 0, 0) ?? Learn(rows, StopKind, 0, 0, Stop(Rows[rows]));

    /// <summary>Forgets a task that has ended, and whose command can't come again.</summary>
    public Outcome Forget(int rows, int reservation) => Known(rows, ForgetKind, reservation, 0)
        ?? Learn(rows, ForgetKind, reservation, 0, Quiet(Forget(Rows[rows], scenario.Reservations[reservation])));

    /// <summary>What the next step of a task needs.</summary>
    public static Need NeedOf(WorkerRows rows, Guid reservationId) =>
        rows.Tasks.GetValueOrDefault(reservationId) is not { IsEnded: false } task ? Need.Nothing
        : task is { State: TaskState.Accepted, Result: not null } ? Need.Answer
        : Need.Upload;

    public static Put PutOf(WorkerRows rows, Guid reservationId)
    {
        var task = rows.Tasks[reservationId];
        return new Put(reservationId, task.Command.LeaseToken, task.Result!.Update.Sha256);
    }

    // There are two of them, and what is nothing to one may be something to the other.
    protected override bool ChangesNothing(int rows, int message, int clock) => false;

    protected override string? Defect(WorkerRows before, WorkerRows after)
    {
        foreach (var (id, task) in before.Tasks.Where(task => task.Value.Result is not null && after.Tasks.TryGetValue(task.Key, out var next) && next.Result?.Update != task.Value.Result.Update))
        {
            return $"I9: task {id} had update {task.Result!.Update.Sha256} and then {after.Tasks[id].Result?.Update.Sha256}.";
        }

        foreach (var (id, task) in before.Tasks.Where(task => after.Tasks.TryGetValue(task.Key, out var next) && next.Command.LeaseNumber < task.Value.Command.LeaseNumber))
        {
            return $"I5: task {id} went back from lease {task.Command.LeaseNumber}.";
        }

        return null;
    }

    private static Step<WorkerRows> Take(WorkerRows rows, TrainClient command, int clock) => Note(
        rows,
        command.ReservationId,
        TrainingTask.On(rows.Tasks.GetValueOrDefault(command.ReservationId), command, new TakeContext(WorkerId, Scenario.Now(clock), Obstacle: null)));

    private static Step<WorkerRows> Train(WorkerRows rows, int worker, Guid id)
    {
        var task = rows.Tasks[id];
        if (task.State != TaskState.Accepted)
        {
            return Quiet(rows);
        }

        var isNoised = task.Command.Privacy is { DpSgd: not null } or { NoiseMultiplier: not null };
        var draw = isNoised ? rows.Draws.GetValueOrDefault(id) + 1 : 0;
        var result = new TaskResult
        {
            Update = Scenario.Blob(isNoised ? $"update of {id}, worker {worker}, draw {draw}" : $"update of {id}"),
            ExampleCount = task.Command.Privacy is null ? Scenario.DeclaredExamples : task.Command.Privacy.DpSgd?.DeclaredExamples,
            TrainingLoss = null,
            TrainingSeconds = null,
        };
        return Note(isNoised ? rows with { Draws = rows.Draws.SetItem(id, draw) } : rows, id, TrainingTask.On(task, new TrainingFinished(result)));
    }

    private static Step<WorkerRows> Announce(WorkerRows rows, Guid id) =>
        Note(rows, id, TrainingTask.On(rows.Tasks[id], new UpdateStored(rows.Tasks[id].Command.LeaseNumber)));

    private static Step<WorkerRows> Fail(WorkerRows rows, Guid id) =>
        Note(rows, id, TrainingTask.On(rows.Tasks[id], new TaskFailed(rows.Tasks[id].Command.LeaseNumber, "Given up.")));

    private static Step<WorkerRows> Lose(WorkerRows rows, Guid id) =>
        Note(rows, id, TrainingTask.On(rows.Tasks[id], LeaseClock.StartOf(rows.Tasks[id].Command, TimeProvider.System).Loss()));

    private static Step<WorkerRows> Stop(WorkerRows rows)
    {
        var sent = new List<Envelope>();
        foreach (var id in rows.Tasks.Keys)
        {
            var step = Note(rows, id, TrainingTask.On(rows.Tasks[id], new WorkerStopping()));
            rows = step.Rows;
            sent.AddRange(step.Sent);
        }

        return new Step<WorkerRows>(rows, sent);
    }

    private static WorkerRows Forget(WorkerRows rows, Guid id) =>
        rows.Tasks.GetValueOrDefault(id) is { IsEnded: true } ? rows with { Tasks = rows.Tasks.Remove(id), Draws = rows.Draws.Remove(id) } : rows;

    private static Step<WorkerRows> Note(WorkerRows rows, Guid id, (TrainingTask Task, IReadOnlyList<object> Messages) decision) => new(
        decision.Task == rows.Tasks.GetValueOrDefault(id) ? rows : rows with { Tasks = rows.Tasks.SetItem(id, decision.Task) },
        [.. decision.Messages.SelectMany(message => Envelope.Of(message))]);

    private static Step<WorkerRows> Quiet(WorkerRows rows) => new(rows, []);
}
