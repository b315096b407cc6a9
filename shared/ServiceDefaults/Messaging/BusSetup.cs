using System.Text.Json;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Faults;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Metrics;
using FlEvents.ServiceDefaults.Quarantine;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Messaging;

/// <summary>The process's one bus: RabbitMQ with quorum queues and dead-letter queues, or in memory, by one option.</summary>
public static class BusSetup
{
    /// <param name="addConsumers">Adds the consumers of every service in this process; each names its endpoint.</param>
    public static void AddBus(this IHostApplicationBuilder builder, Action<IBusRegistrationConfigurator> addConsumers)
    {
        builder.Services.AddValidatedOptions<BusOptions>(BusOptions.Section, BusOptions.Check);
        var options = builder.Configuration.GetSection(BusOptions.Section).Get<BusOptions>() ?? new BusOptions();
        if (builder.Configuration["Logging:LogLevel:MassTransit"] is null)
        {
            // It tells of every attempt to connect with a page of stack trace.
            builder.Logging.AddFilter("MassTransit", LogLevel.Error);
        }

        if (options.Transport == Transport.RabbitMq)
        {
            // Made with the bus, and so with options that are valid.
            builder.Services.AddSingleton(provider => new BrokerTrust(options.Broker!, options.Tls, provider.GetRequiredService<TimeProvider>()));
            builder.Services.AddHostedService<BrokerWatch>();
        }

        builder.Services.AddServiceMetrics<BrokerMetrics>();
        if (CrashPoint.IsWatched)
        {
            builder.Services.AddReceiveObserver<AcknowledgementPoints>();
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
            bus.AddConfigureEndpointsCallback((context, name, endpoint) => Configure(context, name, endpoint, options));
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
                    cfg.Host(options.Broker!, host =>
                    {
                        host.PublisherConfirmation = true;
                        if (options.IsEncrypted)
                        {
                            host.UseSsl(context.GetRequiredService<BrokerTrust>().Configure);
                        }
                    });
                    cfg.ConfigureEndpoints(context);
                });
            }
        });
    }

    // MassTransit indents by default; pages of clients are sized for messages without it.
    private static JsonSerializerOptions Compact(JsonSerializerOptions json) => new(json) { WriteIndented = false };

    private static void Configure(IRegistrationContext context, string name, IReceiveEndpointConfigurator endpoint, BusOptions options)
    {
        if (context.GetServices<ProcessDatabase>().FirstOrDefault(own => Routes.IsServedBy(name, own.Database.Name)) is { } own)
        {
            var quarantine = new QuarantineFilter(own.Database, brokerKeeps: options.Transport == Transport.RabbitMq);
            endpoint.ConfigureError(pipe => pipe.UseFilter(quarantine));
            endpoint.ConfigureDeadLetter(pipe => pipe.UseFilter(quarantine));
        }

        endpoint.UseConsumeFilter(typeof(ContractFilter<>), context);
        if (name is Routes.Orchestrator or Routes.Heartbeats or Routes.Aggregator or Routes.PrivacyAccountant)
        {
            // Messages that are handled at once share a commit. A worker takes as many as it has slots, by its own endpoint.
            endpoint.PrefetchCount = options.Prefetch;
            endpoint.ConcurrentMessageLimit = options.Prefetch;
        }

        if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
        {
            rabbit.ConfigureChannel(channel => channel.UseFilter(new ReceiveWatch(name, context.GetRequiredService<TimeProvider>(), context.GetRequiredService<ILogger<ReceiveWatch>>())));
            rabbit.SetQuorumQueue();
            if (name is Routes.Orchestrator or Routes.Aggregator)
            {
                // The one command that several services take.
                rabbit.Bind(Routes.Door(name, typeof(ReconcileLedger)));
            }

            rabbit.SetQueueArgument("x-delivery-limit", QueueLimits.Deliveries);
            if (name == Routes.Heartbeats)
            {
                // Without a dead-letter queue: one that is lost is followed by the next.
                rabbit.SetQueueArgument("x-message-ttl", QueueLimits.HeartbeatMilliseconds);
                rabbit.SetQueueArgument("x-max-length", QueueLimits.Heartbeats);
            }
            else
            {
                rabbit.BindDeadLetterQueue($"{name}-dead", $"{name}-dead", dead =>
                {
                    dead.SetQuorumQueue();
                    dead.SetQueueArgument("x-max-length", QueueLimits.DeadLetters);
                });
            }
        }
    }
}
