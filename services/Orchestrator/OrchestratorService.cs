using FlEvents.Orchestrator.Api;
using FlEvents.Orchestrator.Consumers;
using FlEvents.Orchestrator.Edge;
using FlEvents.Orchestrator.Events;
using FlEvents.Orchestrator.Rounds;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Metrics;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FlEvents.Orchestrator;

/// <summary>Composition of the Orchestrator: runs, rounds, cohorts and the clients that may be drawn.</summary>
public static class OrchestratorService
{
    public static void AddOrchestrator(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<OrchestratorOptions>(OrchestratorOptions.Section);
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<OrchestratorOptions>>().Value);
        services.AddServiceDatabase<OrchestratorDatabase>(Settings);
        services.AddSingleton<ProgressSignals>();
        services.AddSingleton<EdgeSignals>();
        services.AddServiceMetrics<OrchestratorMetrics>();
        services.AddServiceMetrics<RunMetrics>();
        services.AddSingleton<RoundTransactions>();
        services.AddSingleton<RunProgress>();
        services.AddSingleton<RunCommands>();
        services.AddSingleton<EdgeTasks>();
        services.AddSingleton<Enrolments>();
        EdgeAccess.Add(services);
        services.AddHostedService<RoundTimers>();
        services.TryAddSingleton<IModelSource>(provider => new HttpModelSource(AggregatorOf(provider.GetRequiredService<OrchestratorOptions>())));
        services.AddOpenApi();
    }

    /// <summary>All consumers share the service's one queue, but for the signs of life.</summary>
    public static void AddOrchestratorConsumers(this IBusRegistrationConfigurator bus)
    {
        Add<EnrollClientConsumer>();
        bus.AddConsumer<WorkerHeartbeatConsumer>().Endpoint(endpoint => endpoint.Name = Routes.Heartbeats);
        Add<ModelPublishedConsumer>();
        Add<ModelRefusedConsumer>();
        Add<BudgetReservedConsumer>();
        Add<BudgetRefusedConsumer>();
        Add<TrainingAcceptedConsumer>();
        Add<LeaseRenewedConsumer>();
        Add<TrainingRefusedConsumer>();
        Add<TrainingInterruptedConsumer>();
        Add<UpdateAdmittedConsumer>();
        Add<UpdateRejectedConsumer>();
        Add<RoundAggregatedConsumer>();
        Add<RoundAbandonedConsumer>();
        Add<EvaluationSubmittedConsumer>();
        Add<ReconcileLedgerConsumer>();
        Add<ServiceRestoredConsumer>();

        void Add<T>()
            where T : class, IConsumer => bus.AddConsumer<T>().Endpoint(endpoint => endpoint.Name = Routes.Orchestrator);
    }

    public static void MapOrchestrator(this WebApplication app)
    {
        app.MapOpenApi().AllowAnonymous();
        app.MapRuns();
        app.MapEventLogs();
        app.MapEnrolments();
        app.MapEdge();
    }

    private static HttpClient AggregatorOf(OrchestratorOptions options) => ApiKey.Show(new HttpClient { BaseAddress = options.AggregatorUrl }, options.ApiKey);

    private static DatabaseSettings Settings(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<OrchestratorOptions>();
        return new DatabaseSettings
        {
            Name = "orchestrator",
            Path = Path.Combine(options.DataFolder, "orchestrator.db"),

            // A member that is not marked as dispatched is refunded, so the mark must not be lost in a power cut.
            Synced = options.Durability == Durability.Power,
            Schema = typeof(OrchestratorService).Assembly,
            OnRestored = RestoredRuns.End,
        };
    }
}
