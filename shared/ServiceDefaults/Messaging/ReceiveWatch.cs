using MassTransit;
using MassTransit.RabbitMqTransport;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>
/// Connects an endpoint again whose connection or channel has ended and that was not told. RabbitMQ.Client 7 tells one after the other, and one that waits for
/// a disposed semaphore (see <see cref="BoundedSend"/>) keeps the rest from hearing of it: the endpoint would wait for messages for ever, and call itself healthy.
/// </summary>
internal sealed partial class ReceiveWatch(string queue, TimeProvider time, ILogger<ReceiveWatch> log) : IFilter<ChannelContext>
{
    // An endpoint that is told goes by itself at once.
    private const int Patience = 3;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    public async Task Send(ChannelContext context, IPipe<ChannelContext> next)
    {
        var receiving = next.Send(context);
        for (var closed = 0; await Task.WhenAny(receiving, Task.Delay(Tick, time)) != receiving;)
        {
            closed = context.ConnectionContext.Connection.IsOpen && context.Channel.IsOpen ? 0 : closed + 1;
            if (closed >= Patience)
            {
                LogLeftBehind(queue);
                throw new RabbitMqConnectionException($"The connection of {queue} has ended.");
            }
        }

        await receiving;
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope(nameof(ReceiveWatch));

    [LoggerMessage(LogLevel.Warning, "The connection on which {queue} is received has ended unnoticed; connecting again.")]
    private partial void LogLeftBehind(string queue);
}
