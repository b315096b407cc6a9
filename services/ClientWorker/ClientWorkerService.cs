using FlEvents.ClientWorker.Consumers;
using FlEvents.ClientWorker.Data;
using FlEvents.ClientWorker.Enrollment;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Training;
using FlEvents.ClientWorker.Updates;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Training;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FlEvents.ClientWorker;

/// <summary>The ClientWorker as a module: a host of its own, or one among others in a process.</summary>
public static class ClientWorkerService
{
    /// <remarks>
    /// A host that shares its process with the Aggregator registers its own <see cref="IModelSource"/> and <see cref="IUpdateSink"/> before.
    /// </remarks>
    public static void AddClientWorker(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<ClientWorkerOptions>(ClientWorkerOptions.Section, ClientWorkerOptions.Check);
        services.AddSingleton(provider => new WorkerIdentity(OptionsOf(provider).WorkerId));
        services.AddSingleton(provider => OptionsOf(provider).Roster);
        services.AddSingleton(provider => new WorkerKey(OptionsOf(provider).KeyFile, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ClientData>();
        services.AddSingleton<ModelCache>();
        services.TryAddSingleton<IModelSource>(provider => new HttpModelSource(AggregatorOf(provider)));
        services.TryAddSingleton<IUpdateSink>(provider => new HttpUpdateSink(AggregatorOf(provider)));
        services.TryAddSingleton<ITrainingEngine>(provider => new BuiltInEngine(OptionsOf(provider).Slots));
        services.AddSingleton(provider => new Slots(
            OptionsOf(provider).Slots, brokerKeeps: provider.GetRequiredService<IOptions<BusOptions>>().Value.Transport == Transport.RabbitMq));
        services.AddSingleton(provider => new TrainingThreads(OptionsOf(provider).Slots));
        services.AddSingleton(provider => new UpdateFolder(new BlobFolder(
            Path.Combine(OptionsOf(provider).DataFolder, "updates"), synced: OptionsOf(provider).Durability == Durability.Power)
        {
            Name = "client-worker.updates",
        }));
        services.AddSingleton<Patience>();
        services.TryAddSingleton<INoiseSource, CryptographicNoise>();
        services.AddSingleton<LocalTraining>();
        services.AddSingleton<RunningTasks>();
        services.AddSingleton<ClientWorkerMetrics>();
        services.AddServiceDatabase<WorkerDatabase>(Settings);
        services.AddSingleton(provider => new TaskStore(provider.GetRequiredService<WorkerDatabase>(), new OwnerLimits(OptionsOf(provider).Limits, OptionsOf(provider).CountedRestores)));
        services.AddSingleton<TaskRunner>();
        services.AddHostedService(provider => provider.GetRequiredService<TaskRunner>());
        services.AddHostedService<LeaseRenewal>();
        services.AddHostedService<Enrolling>();
        services.AddHostedService<Heartbeat>();
        services.AddHostedService<Retention>();
    }

    /// <summary>Both commands on the one queue of the silo or the pool, taken no faster than slots become free.</summary>
    public static void AddClientWorkerConsumers(this IBusRegistrationConfigurator bus, IConfiguration configuration)
    {
        var options = configuration.GetSection(ClientWorkerOptions.Section).Get<ClientWorkerOptions>() ?? new ClientWorkerOptions();
        bus.AddConsumer<TrainClientConsumer>().Endpoint(Configure);
        bus.AddConsumer<EvaluateModelConsumer>().Endpoint(Configure);

        // A command that waits for a slot when the host stops goes back to the broker then, not after the whole stop timeout.
        bus.Configure<MassTransitHostOptions>(host => host.ConsumerStopTimeout = TimeSpan.FromSeconds(1));

        void Configure(IEndpointRegistrationConfigurator endpoint)
        {
            endpoint.Name = options.ClientId is null ? Routes.Pool(options.Pool ?? "") : Routes.Silo(options.ClientId);
            endpoint.PrefetchCount = options.Slots;
            endpoint.ConcurrentMessageLimit = options.Slots;

            // A command reaches a worker by its own exchange only.
            endpoint.ConfigureConsumeTopology = false;
        }
    }

    public static void MapClientWorker(this WebApplication app)
    {
        // A gauge is there from the start, not from the first task on.
        _ = app.Services.GetRequiredService<ClientWorkerMetrics>();
    }

    private static DatabaseSettings Settings(IServiceProvider provider) => new()
    {
        Name = "client-worker",
        Path = Path.Combine(OptionsOf(provider).DataFolder, "client-worker.db"),
        Synced = OptionsOf(provider).Durability == Durability.Power,
        Schema = typeof(ClientWorkerService).Assembly,
        OnRestored = TaskStore.GiveUpAccepted,
    };

    private static ClientWorkerOptions OptionsOf(IServiceProvider provider) => provider.GetRequiredService<IOptions<ClientWorkerOptions>>().Value;

    private static HttpClient AggregatorOf(IServiceProvider provider)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),

            // As long as a request may take: bytes that the store has not asked for stay here.
            Expect100ContinueTimeout = TimeSpan.FromSeconds(100),
        };
        return ApiKey.Show(new HttpClient(handler) { BaseAddress = OptionsOf(provider).AggregatorUrl }, OptionsOf(provider).ApiKey);
    }
}
