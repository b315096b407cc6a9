using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>The process's one bus: RabbitMQ with quorum queues and dead-letter queues, or in memory, by one option.</summary>
public static class BusSetup
{
    /// <param name="addConsumers">Adds the consumers of every service in this process; each names its endpoint.</param>
    public static void AddBus(this IHostApplicationBuilder builder, Action<IBusRegistrationConfigurator> addConsumers)
    {
        builder.Services.AddValidatedOptions<BusOptions>(BusOptions.Section);
        var options = builder.Configuration.GetSection(BusOptions.Section).Get<BusOptions>() ?? new BusOptions();
        builder.Services.AddOptions<MassTransitHostOptions>().Configure(host =>
        {
            host.WaitUntilStarted = false;
            host.StopTimeout = TimeSpan.FromSeconds(options.StopTimeoutSeconds);
        });
        builder.Services.AddMassTransit(bus =>
        {
            bus.SetEndpointNameFormatter(new KebabCaseEndpointNameFormatter("", includeNamespace: true));
            bus.DisableUsageTelemetry();
            bus.AddConfigureEndpointsCallback((_, name, endpoint) => Configure(name, endpoint, options));
            addConsumers(bus);
            if (options.Transport == Transport.Memory)
            {
                bus.UsingInMemory((context, cfg) => cfg.ConfigureEndpoints(context));
            }
            else
            {
                bus.UsingRabbitMq((context, cfg) =>
                {
                    cfg.Durable = true;
                    cfg.AutoDelete = false;
                    cfg.Host(new Uri(options.RabbitMqUrl), host => host.PublisherConfirmation = true);
                    cfg.ConfigureEndpoints(context);
                });
            }
        });
    }

    private static void Configure(string name, IReceiveEndpointConfigurator endpoint, BusOptions options)
    {
        // A worker's endpoint has set its own: as many as it has slots.
        endpoint.PrefetchCount = endpoint.PrefetchCount is 0 or > 1000 ? options.Prefetch : endpoint.PrefetchCount;
        if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
        {
            rabbit.SetQuorumQueue();
            rabbit.BindDeadLetterQueue($"{name}-dead", $"{name}-dead", dead => dead.SetQuorumQueue());
        }
    }
}
