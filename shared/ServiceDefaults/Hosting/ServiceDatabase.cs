using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FlEvents.ServiceDefaults.Hosting;

/// <summary>One of the databases in this process, whatever its service's own type of it.</summary>
public sealed record ProcessDatabase(Database Database);

/// <summary>
/// A service's database with its dispatcher and health check. Each service derives a type of its own, because several may share a process.
/// </summary>
public static class ServiceDatabase
{
    /// <param name="settings">Where the database is; asked once, when the options are valid.</param>
    public static void AddServiceDatabase<TDatabase>(this IServiceCollection services, Func<IServiceProvider, DatabaseSettings> settings)
        where TDatabase : Database
    {
        services.AddSingleton(provider =>
        {
            var chosen = settings(provider);
            return FileSystems.Defect(chosen.Path) is { } defect
                ? throw new OptionsValidationException(chosen.Name, typeof(DatabaseSettings), [defect])
                : ActivatorUtilities.CreateInstance<TDatabase>(provider, chosen);
        });
        services.AddSingleton(provider => new ProcessDatabase(provider.GetRequiredService<TDatabase>()));
        services.AddSingleton<IHostedService>(provider => new OutboxDispatcher(
            provider.GetRequiredService<TDatabase>(),
            provider.GetRequiredService<IBusControl>(),
            provider.GetRequiredService<IOptions<BusOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<OutboxDispatcher>>()));
        services.AddSingleton<IHostedService>(provider =>
            new MessageRetention(provider.GetRequiredService<TDatabase>(), provider.GetRequiredService<TimeProvider>()));
        services.AddHealthChecks().Add(new HealthCheckRegistration(
            typeof(TDatabase).Name,
            provider => new DatabaseHealth(provider.GetRequiredService<TDatabase>()),
            failureStatus: null,
            tags: ["ready"]));
    }

    private sealed class DatabaseHealth(Database database) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(database.Fault is { } fault ? HealthCheckResult.Unhealthy($"The {database.Name} database cannot write: {fault}") : HealthCheckResult.Healthy());
    }
}
