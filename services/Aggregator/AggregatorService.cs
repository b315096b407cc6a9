using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Api;
using FlEvents.Aggregator.Consumers;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Metrics;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FlEvents.Aggregator;

/// <summary>Composition of the Aggregator: admits updates, combines them, keeps models.</summary>
public static class AggregatorService
{
    public static void AddAggregator(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddValidatedOptions<AggregatorOptions>(AggregatorOptions.Section, Rules);
        services.AddSingleton(provider => provider.GetRequiredService<IOptions<AggregatorOptions>>().Value);
        services.AddServiceDatabase<AggregatorDatabase>(Settings);
        services.AddSingleton<BlobStores>();
        services.AddSingleton<PartialUploads>();
        services.AddSingleton<Patience>();
        services.AddSingleton<RunModels>();
        services.AddServiceMetrics<AggregatorMetrics>();
        services.AddServiceMetrics<BookMetrics>();
        services.AddSingleton<UpdateReception>();
        services.AddSingleton<UpdateCollection>();
        services.AddHostedService(provider => provider.GetRequiredService<UpdateCollection>());
        services.TryAddSingleton<INoiseSource, CryptographicNoise>();
        services.AddSingleton<AggregationWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<AggregationWorker>());
    }

    /// <summary>All consumers share the service's one queue.</summary>
    public static void AddAggregatorConsumers(this IBusRegistrationConfigurator bus)
    {
        Add<CreateModelConsumer>();
        Add<OpenRoundConsumer>();
        Add<UpdateSubmittedConsumer>();
        Add<AggregateRoundConsumer>();
        Add<BudgetCommittedConsumer>();
        Add<RoundAbandonedConsumer>();
        Add<RunCompletedConsumer>();
        Add<ClientLeftConsumer>();
        Add<ReconcileLedgerConsumer>();

        void Add<T>()
            where T : class, IConsumer => bus.AddConsumer<T>().Endpoint(endpoint => endpoint.Name = Routes.Aggregator);
    }

    public static void MapAggregator(this WebApplication app) => app.MapBlobs();

    private static IEnumerable<string> Rules(AggregatorOptions options) => options.DataSets.SelectMany(entry =>
        entry.Value.Check().Select(error => $"DataSets:{entry.Key}:{error.Path}: {error.Message}"));

    private static DatabaseSettings Settings(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<AggregatorOptions>();
        return new DatabaseSettings
        {
            Name = "aggregator",
            Path = Path.Combine(options.DataFolder, "aggregator.db"),
            Synced = options.Durability == Durability.Power,
            Schema = typeof(AggregatorService).Assembly,
            OnRestored = (transaction, _) => RestoredBooks.Close(transaction),
        };
    }
}
