using System.Collections.Concurrent;
using System.Threading.Channels;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Storage;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.Orchestrator.Tests;

/// <summary>The service as its program composes it, on the in-memory bus and a free port, with a ledger and an Aggregator that only listen.</summary>
internal sealed class OrchestratorHost : IAsyncDisposable
{
    // Only a hang takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly WebApplication _app;

    private OrchestratorHost(WebApplication app) => _app = app;

    public OrchestratorDatabase Database => _app.Services.GetRequiredService<OrchestratorDatabase>();

    public HttpClient Http { get; private set; } = null!;

    public static async Task<OrchestratorHost> StartAsync(string folder)
    {
        var builder = WebApplication.CreateBuilder(["--urls=http://127.0.0.1:0", "--Bus:Transport=Memory", $"--Orchestrator:DataFolder={folder}", "--Orchestrator:Durability=Process"]);
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        builder.AddOrchestrator();
        builder.Services.AddSingleton<Received>();
        builder.AddBus(bus =>
        {
            bus.AddOrchestratorConsumers();
            bus.AddConsumer<Ledger>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
            bus.AddConsumer<Aggregator>().Endpoint(endpoint => endpoint.Name = Routes.Aggregator);
            bus.AddConsumer<Worker>().Endpoint(endpoint => endpoint.Name = Routes.Pool("ward"));
        });
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapOrchestrator();
        await app.StartAsync();
        await app.Services.GetRequiredService<IBusControl>().WaitForHealthStatus(BusHealthStatus.Healthy, Patience);
        return new OrchestratorHost(app) { Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) } };
    }

    /// <summary>Sends a message to the exchange of the service that takes it.</summary>
    public async Task SendAsync<T>(T message)
        where T : class
    {
        var endpoint = await _app.Services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{(message is WorkerHeartbeat ? Routes.Heartbeats : Routes.Orchestrator)}"));
        await endpoint.Send(message, context => context.MessageId = Guid.NewGuid());
    }

    /// <summary>The next message of this type that the service sent, of those that fit.</summary>
    public async Task<T> NextAsync<T>(Func<T, bool>? fits = null)
        where T : class
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (await _app.Services.GetRequiredService<Received>().Of(typeof(T)).Reader.ReadAsync(patience.Token) is T message && (fits is null || fits(message)))
            {
                return message;
            }
        }
    }

    /// <summary>Messages of a type that the service has committed to send, in order.</summary>
    public IReadOnlyList<T> Sent<T>() => Database.Read(transaction => transaction
        .Query<OutboxRow>("select message_id, type, body from outbox where type = @type order by seq", new { type = typeof(T).Name })
        .Select(row => (T)row.Decode().Message)
        .ToList());

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

        public Task Keep<T>(ConsumeContext<T> context)
            where T : class => Of(typeof(T)).Writer.WriteAsync(context.Message).AsTask();
    }

    private sealed class Ledger(Received received) : IConsumer<ReserveBudget>, IConsumer<CommitBudget>, IConsumer<RefundBudget>, IConsumer<LedgerReport>
    {
        public Task Consume(ConsumeContext<ReserveBudget> context) => received.Keep(context);

        public Task Consume(ConsumeContext<CommitBudget> context) => received.Keep(context);

        public Task Consume(ConsumeContext<RefundBudget> context) => received.Keep(context);

        public Task Consume(ConsumeContext<LedgerReport> context) => received.Keep(context);
    }

    private sealed class Aggregator(Received received) : IConsumer<CreateModel>, IConsumer<OpenRound>, IConsumer<AggregateRound>, IConsumer<RunCompleted>, IConsumer<RoundAbandoned>
    {
        public Task Consume(ConsumeContext<CreateModel> context) => received.Keep(context);

        public Task Consume(ConsumeContext<OpenRound> context) => received.Keep(context);

        public Task Consume(ConsumeContext<AggregateRound> context) => received.Keep(context);

        public Task Consume(ConsumeContext<RunCompleted> context) => received.Keep(context);

        public Task Consume(ConsumeContext<RoundAbandoned> context) => received.Keep(context);
    }

    private sealed class Worker(Received received) : IConsumer<TrainClient>
    {
        public Task Consume(ConsumeContext<TrainClient> context) => received.Keep(context);
    }
}
