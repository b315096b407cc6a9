using System.Diagnostics.Metrics;
using MassTransit;

namespace FlEvents.ServiceDefaults.Metrics;

/// <summary>Whether the process has its broker.</summary>
public sealed class BrokerMetrics : IDisposable
{
    private readonly Meter _meter = new("FlEvents.Broker");

    public BrokerMetrics(IBusControl bus) => _meter.CreateObservableGauge(
        "fl_broker_connected",
        () => bus.CheckHealth().Status == BusHealthStatus.Healthy ? 1 : 0,
        "{flag}",
        "1 while the process is connected to the broker and takes messages.");

    public void Dispose() => _meter.Dispose();
}
