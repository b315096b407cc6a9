using System.Threading.Channels;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Storage;
using MassTransit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Tests;

/// <summary>Keeps notes: the least a service can be.</summary>
internal sealed class NoteStore(Database database)
{
    public Database Database => database;
}

/// <summary>A service of this assembly on the in-memory bus: database, dispatcher, and someone who receives what it sends.</summary>
internal sealed class MemoryHost : IAsyncDisposable
{
    // Only a hang takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly IHost _host;
    private readonly Channel<Received> _received;

    private MemoryHost(IHost host)
    {
        _host = host;
        _received = host.Services.GetRequiredService<Channel<Received>>();
    }

    public Database Database => _host.Services.GetRequiredService<NoteStore>().Database;

    public IBusControl Bus => _host.Services.GetRequiredService<IBusControl>();

    /// <param name="endpoint">Queue of the one who receives.</param>
    /// <param name="onStarting">Runs when the bus is made and before anything is sent.</param>
    public static async Task<MemoryHost> StartAsync(string path, string endpoint = "listener", Action<IBusControl>? onStarting = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("Bus:Transport", (string?)"Memory")]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(Channel.CreateUnbounded<Received>());
        builder.Services.AddServiceDatabase<NoteDatabase>(_ => TestDatabase.Settings(path));
        builder.Services.AddSingleton(provider => new NoteStore(provider.GetRequiredService<NoteDatabase>()));
        builder.AddBus(bus => bus.AddConsumer<Listener>(consumer => consumer.ConcurrentMessageLimit = 1).Endpoint(e => e.Name = endpoint));
        var host = new MemoryHost(builder.Build());
        onStarting?.Invoke(host.Bus);
        await host._host.StartAsync();
        await host.Bus.WaitForHealthStatus(BusHealthStatus.Healthy, Patience);
        return host;
    }

    public Task SendLaterAsync(params IEnumerable<object> messages) => Database.WriteAsync(transaction => transaction.SendAll(messages), CancellationToken.None);

    public async Task<Received> NextAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _received.Reader.ReadAsync(patience.Token);
    }

    public async Task<List<Received>> NextAsync(int count)
    {
        var received = new List<Received>();
        while (received.Count < count)
        {
            received.Add(await NextAsync());
        }

        return received;
    }

    /// <summary>Waits until the dispatcher has noted every message as sent.</summary>
    public async Task AllSentAsync()
    {
        while (await Database.WriteAsync(transaction => transaction.Scalar<long>("select count(*) from outbox where sent_at is null"), CancellationToken.None) > 0)
        {
            await Task.Yield();
        }
    }

    public Task<HealthReport> HealthAsync() =>
        _host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(check => check.Name == nameof(NoteDatabase), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    internal sealed record Received(Guid? MessageId, object Message);

    private sealed class Listener(Channel<Received> received) : IConsumer<ClientLeft>, IConsumer<CommitBudget>
    {
        public Task Consume(ConsumeContext<ClientLeft> context) => Keep(context);

        public Task Consume(ConsumeContext<CommitBudget> context) => Keep(context);

        private Task Keep<T>(ConsumeContext<T> context)
            where T : class => received.Writer.WriteAsync(new Received(context.MessageId, context.Message), context.CancellationToken).AsTask();
    }
}
