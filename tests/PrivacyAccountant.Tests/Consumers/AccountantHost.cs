using System.Collections.Concurrent;
using System.Threading.Channels;
using FlEvents.Contracts;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.PrivacyAccountant.Tests;

/// <summary>The service as its program composes it, on the in-memory bus and a free port, and someone who listens to what it publishes.</summary>
internal sealed class AccountantHost : IAsyncDisposable
{
    // Only a hang takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly WebApplication _app;
    private readonly Received _received;
    private readonly Handled _handled = new();

    private AccountantHost(WebApplication app)
    {
        _app = app;
        _received = app.Services.GetRequiredService<Received>();
    }

    public LedgerStore Ledger => _app.Services.GetRequiredService<LedgerStore>();

    public IServiceProvider Services => _app.Services;

    public HttpClient Http { get; private set; } = null!;

    public static async Task<AccountantHost> StartAsync(string folder, params string[] settings)
    {
        var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0", "--Bus:Transport=Memory", $"--PrivacyAccountant:DataFolder={folder}", .. settings]);
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        builder.AddPrivacyAccountant();
        builder.Services.AddSingleton<Received>();
        builder.AddBus(bus =>
        {
            bus.AddPrivacyAccountantConsumers();
            bus.AddConsumer<Listener>().Endpoint(endpoint => endpoint.Name = "listener");
            bus.AddConsumer<Orchestrator>().Endpoint(endpoint => endpoint.Name = Routes.Orchestrator);
            bus.AddConsumer<Aggregator>().Endpoint(endpoint => endpoint.Name = Routes.Aggregator);
        });
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapPrivacyAccountant();
        var host = new AccountantHost(app);
        await app.StartAsync();
        var bus = app.Services.GetRequiredService<IBusControl>();
        await bus.WaitForHealthStatus(BusHealthStatus.Healthy, Patience);
        bus.ConnectConsumeObserver(host._handled);
        host.Http = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
        return host;
    }

    /// <summary>Sends a command to the service's exchange.</summary>
    public async Task SendAsync<T>(T message, Guid? messageId = null)
        where T : class
    {
        var endpoint = await _app.Services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{Routes.PrivacyAccountant}"));
        await endpoint.Send(message, context => context.MessageId = messageId ?? Guid.NewGuid());
    }

    public Task PublishAsync<T>(T message)
        where T : class => _app.Services.GetRequiredService<IBus>().Publish(message);

    /// <summary>The next event of this type that the service published.</summary>
    public async Task<T> NextAsync<T>()
        where T : class
    {
        using var patience = new CancellationTokenSource(Patience);
        return (T)await _received.Of(typeof(T)).Reader.ReadAsync(patience.Token);
    }

    /// <summary>The next question of a quarantined ledger to a service.</summary>
    public async Task<ReconcileLedger> AskedAsync(string service)
    {
        using var patience = new CancellationTokenSource(Patience);
        return (ReconcileLedger)await _received.Of(service == LedgerReporter.Orchestrator ? typeof(Orchestrator) : typeof(Aggregator)).Reader.ReadAsync(patience.Token);
    }

    /// <summary>Whether events of this type have come that nobody has asked for.</summary>
    public bool HasMore<T>() => _received.Of(typeof(T)).Reader.TryPeek(out _);

    /// <summary>Waits until a command of this type is dealt with, whatever came of it.</summary>
    /// <returns>What the consumer threw; null when all was well.</returns>
    public async Task<Exception?> HandledAsync<T>()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _handled.Of(typeof(T)).Reader.ReadAsync(patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private sealed class Received
    {
        private readonly ConcurrentDictionary<Type, Channel<object>> _channels = new();

        public Channel<object> Of(Type type) => _channels.GetOrAdd(type, _ => Channel.CreateUnbounded<object>());
    }

    private sealed class Listener(Received received) : IConsumer<BudgetReserved>, IConsumer<BudgetRefused>, IConsumer<BudgetCommitted>, IConsumer<PrivacySpent>
    {
        public Task Consume(ConsumeContext<BudgetReserved> context) => Keep(context);

        public Task Consume(ConsumeContext<BudgetRefused> context) => Keep(context);

        public Task Consume(ConsumeContext<PrivacySpent> context) => Keep(context);

        public Task Consume(ConsumeContext<BudgetCommitted> context) => Keep(context);

        private Task Keep<T>(ConsumeContext<T> context)
            where T : class => received.Of(typeof(T)).Writer.WriteAsync(context.Message, context.CancellationToken).AsTask();
    }

    private sealed class Orchestrator(Received received) : IConsumer<ReconcileLedger>
    {
        public Task Consume(ConsumeContext<ReconcileLedger> context) => received.Of(typeof(Orchestrator)).Writer.WriteAsync(context.Message).AsTask();
    }

    private sealed class Aggregator(Received received) : IConsumer<ReconcileLedger>
    {
        public Task Consume(ConsumeContext<ReconcileLedger> context) => received.Of(typeof(Aggregator)).Writer.WriteAsync(context.Message).AsTask();
    }

    private sealed class Handled : IConsumeObserver
    {
        private readonly ConcurrentDictionary<Type, Channel<Exception?>> _channels = new();

        public Channel<Exception?> Of(Type type) => _channels.GetOrAdd(type, _ => Channel.CreateUnbounded<Exception?>());

        public Task PreConsume<T>(ConsumeContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PostConsume<T>(ConsumeContext<T> context)
            where T : class => Of(typeof(T)).Writer.WriteAsync(null).AsTask();

        public Task ConsumeFault<T>(ConsumeContext<T> context, Exception exception)
            where T : class => Of(typeof(T)).Writer.WriteAsync(exception).AsTask();
    }
}
