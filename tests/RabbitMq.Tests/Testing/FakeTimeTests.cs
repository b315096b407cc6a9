using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests.Testing;

public sealed class FakeTimeTests
{
    private readonly FakeTime _time = new();

    [Fact]
    public void The_clock_stands_still_until_it_is_moved()
    {
        var start = _time.GetUtcNow();
        var stamp = _time.GetTimestamp();

        _time.Advance(TimeSpan.FromMinutes(3));

        Assert.Equal(start + TimeSpan.FromMinutes(3), _time.GetUtcNow());
        Assert.Equal(TimeSpan.FromMinutes(3), _time.GetElapsedTime(stamp));
    }

    [Fact]
    public void Timers_fire_at_their_due_times_in_order()
    {
        var start = _time.GetUtcNow();
        List<(string, double)> fired = [];
        void Fired(object? name) => fired.Add(((string)name!, (_time.GetUtcNow() - start).TotalSeconds));
        using var late = _time.CreateTimer(Fired, "late", TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        using var every = _time.CreateTimer(Fired, "every", TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        using var never = _time.CreateTimer(Fired, "never", Timeout.InfiniteTimeSpan, TimeSpan.FromSeconds(1));

        _time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal([("every", 2), ("every", 4), ("late", 5), ("every", 6)], fired);
    }

    [Fact]
    public void A_disposed_timer_does_not_fire_and_cannot_be_changed()
    {
        var fired = 0;
        var timer = _time.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));

        timer.Dispose();
        _time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(0, fired);
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
    }

    [Fact]
    public void A_timer_armed_by_a_callback_fires_within_the_same_move()
    {
        List<DateTimeOffset> fired = [];
        ITimer? second = null;
        using var first = _time.CreateTimer(
            _ => second = _time.CreateTimer(_ => fired.Add(_time.GetUtcNow()), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan),
            null,
            TimeSpan.FromSeconds(1),
            Timeout.InfiniteTimeSpan);
        var start = _time.GetUtcNow();

        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal([start + TimeSpan.FromSeconds(2)], fired);
        second!.Dispose();
    }

    [Fact]
    public async Task A_delay_ends_when_the_clock_passes_it()
    {
        var delay = Task.Delay(TimeSpan.FromHours(1), _time);
        await _time.WhenTimersAsync();

        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(delay.IsCompleted);
        _time.Advance(TimeSpan.FromMinutes(1));
        await delay.WaitAsync(TimeSpan.FromSeconds(30));
    }
}
