using FlEvents.ClientWorker.Tests.Privacy;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

public sealed class ReleasedUpdateOverTheBrokerTests(RabbitMqBroker broker) : ReleasedUpdateTests
{
    private readonly List<VirtualHost> _hosts = [];

    public override async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    protected override async Task<string?> NewBrokerUrlAsync()
    {
        _hosts.Add(await VirtualHost.CreateAsync(broker));
        return _hosts[^1].Url;
    }
}
