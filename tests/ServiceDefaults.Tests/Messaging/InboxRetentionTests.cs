using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.ServiceDefaults.Tests;

public sealed class InboxRetentionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_received_message_is_forgotten_after_thirty_days_and_not_before()
    {
        var time = new StoppedTime();
        await using var database = TestDatabase.Open(_folder.File("test.db"), time: time);
        using var retention = new InboxRetention(database, time);
        await ReceiveAsync("old");
        await retention.StartAsync(CancellationToken.None);

        time.Advance(TimeSpan.FromDays(20));
        await ReceiveAsync("new");
        Assert.Equal(["new", "old"], database.Column("select endpoint from inbox order by endpoint"));

        time.Advance(TimeSpan.FromDays(11));
        // The deletion is queued when the timer fires; whoever is queued later finds it done, whichever turn it got.
        while (await CountAsync() > 1)
        {
            await Task.Yield();
        }

        Assert.Equal(["new"], database.Column("select endpoint from inbox"));
        await retention.StopAsync(CancellationToken.None);

        Task ReceiveAsync(string endpoint) => database.WriteAsync(transaction => transaction.TryReceive(endpoint, Guid.NewGuid()), CancellationToken.None);

        Task<long> CountAsync() => database.WriteAsync(transaction => transaction.Scalar<long>("select count(*) from inbox"), CancellationToken.None);
    }

    /// <summary>A clock that moves when it is told to.</summary>
    private sealed class StoppedTime : TimeProvider
    {
        private readonly List<StoppedTimer> _timers = [];
        private DateTimeOffset _now = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new StoppedTimer(callback, state);
            _timers.Add(timer);
            return timer;
        }

        public void Advance(TimeSpan duration)
        {
            _now += duration;
            _timers.ForEach(timer => timer.Fire());
        }

        private sealed class StoppedTimer(TimerCallback callback, object? state) : ITimer
        {
            public void Fire() => callback(state);

            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
