using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>
/// A service's database with its dispatcher and health check. Keyed by the store that owns it, because several services may share a process.
/// </summary>
public static class ServiceDatabase
{
    /// <summary>Registers a store of type <typeparamref name="TStore"/> over a database of its own.</summary>
    /// <param name="settings">Where the database is; asked once, when the options are valid.</param>
    /// <param name="create">Makes the store from its database.</param>
    public static void AddServiceDatabase<TStore>(
        this IServiceCollection services, Func<IServiceProvider, DatabaseSettings> settings, Func<IServiceProvider, Database, TStore> create)
        where TStore : class
    {
        var key = typeof(TStore);
        services.AddKeyedSingleton(key, (provider, _) => new Database(
            settings(provider), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<Database>>()));
        services.AddSingleton(provider => create(provider, provider.GetRequiredKeyedService<Database>(key)));
        services.AddSingleton<IHostedService>(provider => new OutboxDispatcher(
            provider.GetRequiredKeyedService<Database>(key),
            provider.GetRequiredService<IBusControl>(),
            provider.GetRequiredService<IOptions<BusOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<OutboxDispatcher>>()));
        services.AddSingleton<IHostedService>(provider =>
            new MessageRetention(provider.GetRequiredKeyedService<Database>(key), provider.GetRequiredService<TimeProvider>()));
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            $"database-{typeof(TStore).Name}",
            provider => new DatabaseHealth(provider.GetRequiredKeyedService<Database>(key)),
            failureStatus: null,
            tags: ["ready"]));
    }

    private sealed class DatabaseHealth(Database database) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(database.Fault is { } fault ? HealthCheckResult.Unhealthy($"The {database.Name} database cannot write: {fault}") : HealthCheckResult.Healthy());
    }
}
