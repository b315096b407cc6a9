using FlEvents.ServiceDefaults.Messaging;

namespace FlEvents.ServiceDefaults.Tests.Messaging;

public sealed class BoundedSendTests
{
    private readonly FakeTime _time = new();

    [Fact]
    public async Task A_send_that_does_not_end_is_told_and_left_behind()
    {
        var told = new TaskCompletionSource();
        var sending = BoundedSend.RunAsync(
            token =>
            {
                token.Register(told.SetResult);
                return new TaskCompletionSource().Task;
            },
            _time,
            CancellationToken.None);
        _time.Advance(BoundedSend.Longest - TimeSpan.FromTicks(1));
        Assert.False(sending.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        await Assert.ThrowsAsync<TimeoutException>(() => sending);
        await told.Task;
    }

    [Fact]
    public async Task What_a_send_throws_when_it_is_told_reaches_no_timer()
    {
        var sending = BoundedSend.RunAsync(
            token =>
            {
                token.Register(() => throw new ObjectDisposedException("a channel"));
                return new TaskCompletionSource().Task;
            },
            _time,
            CancellationToken.None);
        _time.Advance(BoundedSend.Longest);
        await Assert.ThrowsAsync<TimeoutException>(() => sending);
    }

    [Fact]
    public async Task A_stop_ends_the_wait()
    {
        using var stop = new CancellationTokenSource();
        var sending = BoundedSend.RunAsync(_ => new TaskCompletionSource().Task, _time, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public async Task What_a_send_fails_with_is_passed_on() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => BoundedSend.RunAsync(_ => throw new InvalidOperationException("no broker"), _time, CancellationToken.None));
}
