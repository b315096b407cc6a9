using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>Says in one line when the broker cannot be reached, every half minute that it stays so, and when it can be again.</summary>
internal sealed partial class BrokerWatch(IBusControl bus, BrokerTrust trust, IOptions<BusOptions> options, TimeProvider time, ILogger<BrokerWatch> log) : BackgroundService
{
    // A start, and a broker that comes back at once, take a little.
    private const int FirstTick = 3;
    private const int RepeatTicks = 30;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var url = options.Value.Broker!;
        var broker = $"{url.Host}:{url.Port}{url.AbsolutePath}";
        var wasThere = false;
        var ticksAway = 0;
        var refusal = "";
        try
        {
            using var timer = new PeriodicTimer(Tick, time);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var isThere = bus.CheckHealth().Status == BusHealthStatus.Healthy;
                if (isThere && !wasThere)
                {
                    LogThere(broker);
                }
                else if (!isThere && (++ticksAway % RepeatTicks == FirstTick || (ticksAway > FirstTick && trust.Refusal is { } found && found != refusal)))
                {
                    // What is wrong with its certificate is told as soon as it is known.
                    refusal = trust.Refusal ?? "";
                    LogAway(broker, trust.Refusal ?? Reason(bus.CheckHealth()));
                }

                ticksAway = isThere ? 0 : ticksAway;
                wasThere = isThere;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // A service that stops needs no broker.
        }
    }

    // What the client has met last: a refused password, a broken handshake.
    private static string Reason(BusHealthResult health) =>
        (health.Exception ?? health.Endpoints.Values.Select(endpoint => endpoint.Exception).FirstOrDefault(exception => exception is not null))?.GetBaseException().Message ?? "no answer";

    [LoggerMessage(LogLevel.Information, "Connected to the broker at {broker}.")]
    private partial void LogThere(string broker);

    [LoggerMessage(LogLevel.Warning, "The broker at {broker} cannot be reached: {reason}. Messages wait in the database; trying again.")]
    private partial void LogAway(string broker, string reason);
}
