namespace FlEvents.Testing;

/// <summary>Where a broker runs, and what faults can be done to it there.</summary>
public interface IBrokerHost : IAsyncDisposable
{
    Uri Uri { get; }

    Uri ManagementUri { get; }

    /// <summary>Where the broker answers Prometheus.</summary>
    Uri MetricsUri { get; }

    Task StartAsync();

    Task StopAsync();

    Task KillAsync();

    Task SuspendAsync();

    Task ResumeAsync();
}
