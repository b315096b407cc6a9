namespace FlEvents.Testing;

/// <summary>A clock that stands still until it is moved by hand; its timers fire, in order of their due times, while it is moved.</summary>
/// <remarks>A timer that is due at once fires at the next <see cref="Advance"/>, be it by zero.</remarks>
public sealed class FakeTime(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<FakeTimer> _timers = [];
    private readonly List<(int Timers, TaskCompletionSource Reached)> _waiting = [];
    private readonly DateTimeOffset _start = start;
    private TimeSpan _elapsed;
    private TimeSpan _jumped;
    private long _created;

    public FakeTime()
        : this(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _start + _elapsed + _jumped;
        }
    }

    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _elapsed.Ticks;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        FakeTimer timer;
        lock (_lock)
        {
            timer = new FakeTimer(this, callback, state, _created++);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock forward and fires every timer that falls due, at its own due time; callbacks run on the caller's thread.</summary>
    /// <param name="by">Zero or more.</param>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var end = _start + new TimeSpan(GetTimestamp()) + by;
        while (TakeDue(end) is { } timer)
        {
            timer.Fire();
        }

        lock (_lock)
        {
            _elapsed = end - _start;
        }
    }

    /// <summary>Sets the date and time of day to others, as a person or a time server does: no time passes, so timestamps and timers stay as they are.</summary>
    /// <param name="by">Forward, or back where negative.</param>
    public void Jump(TimeSpan by)
    {
        lock (_lock)
        {
            _jumped += by;
        }
    }

    /// <summary>Completes when at least so many timers are armed: the code under test has come to its delay, and the clock may be moved.</summary>
    public Task WhenTimersAsync(int count = 1)
    {
        lock (_lock)
        {
            if (Armed >= count)
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((count, reached));
            return reached.Task;
        }
    }

    private int Armed => _timers.Count(timer => timer.DueAt is not null);

    /// <summary>The next timer due by <paramref name="end"/>, already set to its following due time; null when there is none.</summary>
    private FakeTimer? TakeDue(DateTimeOffset end)
    {
        lock (_lock)
        {
            var next = _timers.Where(timer => timer.DueAt <= end).OrderBy(timer => timer.DueAt).ThenBy(timer => timer.Number).FirstOrDefault();
            if (next?.DueAt is not { } dueAt)
            {
                return null;
            }

            _elapsed = dueAt - _start > _elapsed ? dueAt - _start : _elapsed;
            next.DueAt = next.Period > TimeSpan.Zero ? dueAt + next.Period : null;
            return next;
        }
    }

    private void Set(FakeTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            if (!_timers.Contains(timer))
            {
                _timers.Add(timer);
            }

            timer.DueAt = dueTime < TimeSpan.Zero ? null : _start + _elapsed + dueTime;
            timer.Period = period;
            foreach (var (_, reached) in _waiting.Where(waiting => Armed >= waiting.Timers))
            {
                reached.TrySetResult();
            }

            _waiting.RemoveAll(waiting => waiting.Reached.Task.IsCompleted);
        }
    }

    private void Remove(FakeTimer timer)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
            timer.DueAt = null;
            timer.IsDisposed = true;
        }
    }

    private sealed class FakeTimer(FakeTime time, TimerCallback callback, object? state, long number) : ITimer
    {
        public long Number { get; } = number;

        /// <summary>Null while the timer is not armed.</summary>
        public DateTimeOffset? DueAt { get; set; }

        /// <summary>Zero or less: fires once.</summary>
        public TimeSpan Period { get; set; }

        public bool IsDisposed { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (IsDisposed)
            {
                return false;
            }

            time.Set(this, dueTime, period);
            return true;
        }

        public void Dispose() => time.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
