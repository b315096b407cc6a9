using System.Text.Json;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>The process's one bus: RabbitMQ with quorum queues and dead-letter queues, or in memory, by one option.</summary>
public static class BusSetup
{
    private static readonly string[] BrokerSchemes = ["amqp", "amqps", "rabbitmq", "rabbitmqs"];

    /// <param name="addConsumers">Adds the consumers of every service in this process; each names its endpoint.</param>
    public static void AddBus(this IHostApplicationBuilder builder, Action<IBusRegistrationConfigurator> addConsumers)
    {
        builder.Services.AddValidatedOptions<BusOptions>(BusOptions.Section);
        var options = builder.Configuration.GetSection(BusOptions.Section).Get<BusOptions>() ?? new BusOptions();
        if (options.Transport == Transport.RabbitMq && !(Uri.TryCreate(options.RabbitMqUrl, UriKind.Absolute, out var url) && BrokerSchemes.Contains(url.Scheme)))
        {
            // Here, because the bus is made before options are validated; without the value, because it may hold a password.
            throw new OptionsValidationException(
                BusOptions.Section, typeof(BusOptions), [$"{BusOptions.Section}:RabbitMqUrl is no address of a broker: expected amqp://user:password@host:port/vhost."]);
        }

        if (builder.Configuration["Logging:LogLevel:MassTransit"] is null)
        {
            // It tells of every attempt to connect with a page of stack trace.
            builder.Logging.AddFilter("MassTransit", LogLevel.Error);
        }

        if (options.Transport == Transport.RabbitMq)
        {
            builder.Services.AddHostedService<BrokerWatch>();
        }

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
                bus.UsingInMemory((context, cfg) =>
                {
                    cfg.ConfigureJsonSerializerOptions(Compact);
                    cfg.ConfigureEndpoints(context);
                });
            }
            else
            {
                bus.UsingRabbitMq((context, cfg) =>
                {
                    cfg.ConfigureJsonSerializerOptions(Compact);
                    cfg.Durable = true;
                    cfg.AutoDelete = false;
                    cfg.Host(new Uri(options.RabbitMqUrl), host => host.PublisherConfirmation = true);
                    cfg.ConfigureEndpoints(context);
                });
            }
        });
    }

    // MassTransit indents by default; pages of clients are sized for messages without it.
    private static JsonSerializerOptions Compact(JsonSerializerOptions json) => new(json) { WriteIndented = false };

    private static void Configure(string name, IReceiveEndpointConfigurator endpoint, BusOptions options)
    {
        if (name is Routes.Orchestrator or Routes.Aggregator or Routes.PrivacyAccountant)
        {
            // Messages that are handled at once share a commit. A worker takes as many as it has slots, by its own endpoint.
            endpoint.PrefetchCount = options.Prefetch;
            endpoint.ConcurrentMessageLimit = options.Prefetch;
        }

        if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
        {
            rabbit.SetQuorumQueue();
            rabbit.BindDeadLetterQueue($"{name}-dead", $"{name}-dead", dead => dead.SetQuorumQueue());
        }
    }
}
