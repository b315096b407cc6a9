using Dapper;
using FlEvents.ClientWorker.Policy;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Training;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlEvents.ClientWorker.Tests.Training;

public sealed class LeaseRenewalTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();
    private readonly Database _database;
    private readonly TaskStore _store;
    private readonly RunningTasks _tasks;
    private readonly LeaseRenewal _renewal;

    public LeaseRenewalTests()
    {
        var settings = new DatabaseSettings { Name = "client-worker", Path = _folder.File("worker.db"), Synced = false, Schema = typeof(TaskStore).Assembly };
        _database = new Database(settings, _time, NullLogger<Database>.Instance);
        _store = new TaskStore(_database, new OwnerBooks(new PolicyFile(path: null, NullLogger<PolicyFile>.Instance)));
        _tasks = new RunningTasks(_time);
        _renewal = new LeaseRenewal(_tasks, _store, new WorkerIdentity("worker-a"), _time);
    }

    public async ValueTask DisposeAsync()
    {
        await _renewal.StopAsync(CancellationToken.None);
        _renewal.Dispose();
        await _database.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void A_sign_of_life_is_due_after_a_third_of_the_lease_and_the_lease_is_lost_after_all_of_it()
    {
        var clock = LeaseClock.StartOf(Command("ward-000000"), _time);
        _time.Advance(TimeSpan.FromSeconds(19));
        Assert.Equal(TimeSpan.FromSeconds(1), clock.UntilRenewal(_time));
        _time.Advance(TimeSpan.FromSeconds(40));
        Assert.False(clock.IsLost(_time));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(clock.IsLost(_time));
    }

    [Fact]
    public void A_task_that_has_just_ended_can_still_be_asked_and_cancelled()
    {
        using var stopping = new CancellationTokenSource();
        var task = new RunningTask(Guid.NewGuid(), LeaseClock.StartOf(Command("ward-000000"), _time), stopping.Token);
        task.Dispose();
        stopping.Cancel();
        Assert.False(task.Cancelled.IsCancellationRequested);
        task.Cancel();
        Assert.True(task.Cancelled.IsCancellationRequested);
    }

    [Fact]
    public async Task All_tasks_that_are_due_are_renewed_and_the_others_are_not()
    {
        var early = await AcceptAsync("ward-000000");
        var early2 = await AcceptAsync("ward-000001");
        _time.Advance(TimeSpan.FromSeconds(10));
        var late = await AcceptAsync("ward-000002");
        _time.Advance(TimeSpan.FromSeconds(10));
        await _renewal.StartAsync(CancellationToken.None);
        await UntilAsync(() => early.Lease.RenewedAt == _time.GetTimestamp() && early2.Lease.RenewedAt == _time.GetTimestamp());
        Assert.Equal(new[] { early.ReservationId, early2.ReservationId }.Order(), Sent("LeaseRenewed").Order());
        Assert.Equal(TimeSpan.FromSeconds(10), late.Lease.UntilRenewal(_time));
    }

    [Fact]
    public async Task A_task_of_an_earlier_process_is_renewed_at_once()
    {
        var command = Command("ward-000000");
        await StoreAsync(command);
        using var running = new RunningTask(command.ReservationId, LeaseClock.DueNow(command, _time), CancellationToken.None);
        _tasks.TryAdd(running);
        await _renewal.StartAsync(CancellationToken.None);
        await UntilAsync(() => Sent("LeaseRenewed").Count == 1);
    }

    [Fact]
    public async Task A_task_without_a_sign_of_life_for_a_whole_lease_is_given_up()
    {
        var running = await AcceptAsync("ward-000000");
        _time.Advance(TimeSpan.FromSeconds(60));
        await _renewal.StartAsync(CancellationToken.None);
        await UntilAsync(() => running.Cancelled.IsCancellationRequested);
        var task = (await _store.FindAsync(running.ReservationId))!;
        Assert.Equal((TaskState.Interrupted, InterruptionCode.LeaseLost), (task.State, task.End!.ReasonCode));
        Assert.Equal("60 s passed without a renewal.", task.End.Detail);
        Assert.Single(Sent("TrainingInterrupted"));
        Assert.Empty(Sent("LeaseRenewed"));
    }

    [Fact]
    public async Task An_adopted_lease_begins_anew()
    {
        var running = await AcceptAsync("ward-000000");
        _time.Advance(TimeSpan.FromSeconds(59));
        _tasks.Adopt(Command("ward-000000") with { LeaseNumber = 2 });
        Assert.Equal((2, TimeSpan.FromSeconds(20)), (running.Lease.LeaseNumber, running.Lease.UntilRenewal(_time)));
    }

    private static TrainClient Command(string clientId) => Commands.Train(clientId) with { Lease = TimeSpan.FromSeconds(60) };

    private async Task<RunningTask> AcceptAsync(string clientId)
    {
        var command = Command(clientId);
        await StoreAsync(command);
        var running = new RunningTask(command.ReservationId, LeaseClock.StartOf(command, _time), CancellationToken.None);
        _tasks.TryAdd(running);
        return running;
    }

    private Task StoreAsync(TrainClient command) => _database.WriteAsync(
        transaction => TaskStore.Save(transaction, new TrainingTask { Command = command, State = TaskState.Accepted }), CancellationToken.None);

    private List<Guid> Sent(string type) => _database.Read(connection => connection
        .Query<string>("select json_extract(body, '$.reservationId') from outbox where type = @type", new { type }).Select(Guid.Parse).ToList());

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var hung = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!holds())
        {
            hung.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
