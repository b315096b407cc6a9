using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>Adds a service's metrics, made when its host starts: their series are there from the first look on, not from the first message.</summary>
public static class ServiceMetrics
{
    public static void AddServiceMetrics<TMetrics>(this IServiceCollection services)
        where TMetrics : class
    {
        services.AddSingleton<TMetrics>();
        services.AddSingleton<IHostedService>(provider => new Made(provider.GetRequiredService<TMetrics>()));
    }

    private sealed record Made(object Metrics) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
