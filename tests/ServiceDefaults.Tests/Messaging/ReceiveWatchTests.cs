using FlEvents.ServiceDefaults.Messaging;
using MassTransit;
using MassTransit.RabbitMqTransport;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;

namespace FlEvents.ServiceDefaults.Tests.Messaging;

/// <summary>The end of a connection, told to the endpoint on it or not.</summary>
public sealed class ReceiveWatchTests
{
    private readonly FakeTime _time = new();
    private readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOpen = true;
    private bool _isChannelOpen = true;

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task An_endpoint_that_was_not_told_of_its_connection_s_or_channel_s_end_is_given_up_so_that_it_connects_again(bool isOpen, bool isChannelOpen)
    {
        var receiving = ReceiveAsync();
        await PassAsync(receiving, seconds: 10);
        Assert.False(receiving.IsCompleted);

        (_isOpen, _isChannelOpen) = (isOpen, isChannelOpen);
        await PassAsync(receiving, seconds: 10);
        var fault = await Assert.ThrowsAsync<RabbitMqConnectionException>(() => receiving);
        Assert.Contains("fl-aggregator", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_open_again_when_it_is_looked_at_is_left_alone()
    {
        var receiving = ReceiveAsync();
        for (var i = 0; i < 5; i++)
        {
            _isOpen = false;
            await PassAsync(receiving, seconds: 1);
            _isOpen = true;
            await PassAsync(receiving, seconds: 1);
        }

        Assert.False(receiving.IsCompleted);
        _received.SetResult();
        await receiving;
    }

    [Fact]
    public async Task An_endpoint_that_was_told_ends_with_what_it_was_told()
    {
        var receiving = ReceiveAsync();
        _received.SetException(new OperationCanceledException("told"));
        await Assert.ThrowsAsync<OperationCanceledException>(() => receiving);
    }

    private Task ReceiveAsync()
    {
        var connection = Stub.Of<IConnection>(("get_IsOpen", () => _isOpen));
        var context = Stub.Of<ConnectionContext>(("get_Connection", () => connection));
        var open = Stub.Of<IChannel>(("get_IsOpen", () => _isChannelOpen));
        var channel = Stub.Of<ChannelContext>(("get_ConnectionContext", () => context), ("get_Channel", () => open));
        return new ReceiveWatch("fl-aggregator", _time, NullLogger<ReceiveWatch>.Instance).Send(channel, Pipe.ExecuteAsync<ChannelContext>(_ => _received.Task));
    }

    private async Task PassAsync(Task receiving, int seconds)
    {
        for (var second = 0; second < seconds && !receiving.IsCompleted; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(receiving, _time.WhenTimersAsync());
        }
    }
}
