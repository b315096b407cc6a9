using System.Collections.Concurrent;
using System.Threading.Channels;
using FlEvents.Aggregator.Admission;
using FlEvents.Aggregator.Rounds;
using FlEvents.Aggregator.Storage;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.Aggregator.Tests;

/// <summary>The service as its program composes it, on the in-memory bus or a broker and a free port, and someone who listens to what it sends.</summary>
internal sealed class AggregatorHost : IAsyncDisposable
{
    // Only a hang takes as long.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly WebApplication _app;
    private readonly Handled _handled = new();

    private AggregatorHost(WebApplication app) => _app = app;

    public AggregatorDatabase Database => _app.Services.GetRequiredService<AggregatorDatabase>();

    public BlobStores Blobs => _app.Services.GetRequiredService<BlobStores>();

    public PartialUploads Partials => _app.Services.GetRequiredService<PartialUploads>();

    public UpdateReception Reception => _app.Services.GetRequiredService<UpdateReception>();

    public HttpClient Http { get; private set; } = null!;

    public static Task<AggregatorHost> StartAsync(string folder, TimeProvider? time = null, params (string Key, string Value)[] settings) =>
        StartAsync(folder, noise: null, time, brokerUrl: null, settings);

    /// <param name="noise">In the place of the cryptographic source; null for that.</param>
    /// <param name="brokerUrl">A virtual host of RabbitMQ; null for the in-memory bus.</param>
    public static async Task<AggregatorHost> StartAsync(
        string folder, INoiseSource? noise, TimeProvider? time = null, string? brokerUrl = null, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(
        [
            new("Urls", "http://127.0.0.1:0"),
            new("Bus:Transport", brokerUrl is null ? "Memory" : "RabbitMq"),
            new("Bus:RabbitMqUrl", brokerUrl ?? "amqp://127.0.0.1/"),
            new("Aggregator:DataFolder", folder),
            new("Aggregator:Durability", "Process"),
            .. settings.Select(setting => KeyValuePair.Create($"Aggregator:{setting.Key}", (string?)setting.Value)),
        ]);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        if (noise is not null)
        {
            builder.Services.AddSingleton(noise);
        }

        builder.AddServiceDefaults();
        builder.AddAggregator();
        builder.Services.AddSingleton<Received>();
        builder.AddBus(bus =>
        {
            bus.AddAggregatorConsumers();
            bus.AddConsumer<Listener>().Endpoint(endpoint => endpoint.Name = "listener");
            bus.AddConsumer<Accountant>().Endpoint(endpoint => endpoint.Name = Routes.PrivacyAccountant);
        });
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapAggregator();
        var host = new AggregatorHost(app);
        var bus = app.Services.GetRequiredService<IBusControl>();
        bus.ConnectConsumeObserver(host._handled);
        await app.StartAsync();
        await bus.WaitForHealthStatus(BusHealthStatus.Healthy, Patience);
        host.Http = new HttpClient { BaseAddress = new Uri(app.Urls.Single() + "/") };
        return host;
    }

    /// <summary>Sends a message to the service's exchange.</summary>
    public async Task SendAsync<T>(T message, Guid? messageId = null)
        where T : class
    {
        var endpoint = await _app.Services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{Routes.Aggregator}"));
        await endpoint.Send(message, context => context.MessageId = messageId ?? Guid.NewGuid());
    }

    /// <summary>Sends a message and waits until it is dealt with, with no fault. An answer of the ledger that names no model is for the one that the book names.</summary>
    public async Task DeliverAsync<T>(T message, Guid? messageId = null)
        where T : class
    {
        var id = messageId ?? Guid.NewGuid();
        await (message is BudgetCommitted { ModelSha256: null } committed ? SendAsync(committed with { ModelSha256 = ResultOf(committed.RoundId) }, id) : SendAsync(message, id));
        Assert.Null(await _handled.OfAsync(id).WaitAsync(Patience));
    }

    /// <summary>Waits until messages of a type that the service has sent to itself are dealt with.</summary>
    public async Task ReplayedAsync<T>()
    {
        foreach (var id in Database.Read(transaction => transaction.Query<Guid>("select message_id from outbox where type = @type", new { type = typeof(T).Name })))
        {
            Assert.Null(await _handled.OfAsync(id).WaitAsync(Patience));
        }
    }

    /// <summary>The next message of this type that the service sent.</summary>
    public async Task<T> NextAsync<T>()
        where T : class
    {
        using var patience = new CancellationTokenSource(Patience);
        return (T)await _app.Services.GetRequiredService<Received>().Of(typeof(T)).Reader.ReadAsync(patience.Token);
    }

    /// <summary>Creates a run and waits for its model.</summary>
    public async Task<ModelPublished> CreateAsync(RunSpec? spec = null, Guid? runId = null)
    {
        await SendAsync(new CreateModel { RunId = runId ?? Messages.RunId, Run = spec ?? Messages.Spec });
        return await NextAsync<ModelPublished>();
    }

    /// <summary>Puts a client's update into the store, as a worker does that shares the process.</summary>
    public async Task<BlobRef> UploadAsync(string client, byte[]? bytes = null, int round = 1, Guid? runId = null)
    {
        bytes ??= Messages.Bytes(Messages.Delta(client));
        await Reception.StoreAsync(Messages.Reservation(client, round, runId), bytes, CancellationToken.None);
        return Messages.RefOf(bytes);
    }

    /// <summary>Uploads a client's update and announces it.</summary>
    public async Task SubmitAsync(string client) =>
        await DeliverAsync(Messages.Submit(client, await UploadAsync(client), Messages.Examples(client)));

    /// <summary>Takes a round up to the question to the ledger: the book names its model then.</summary>
    public async Task<Book> AggregateAsync(params string[] clients)
    {
        await DeliverAsync(Messages.OpenFor(clients));
        foreach (var client in clients)
        {
            await SubmitAsync(client);
        }

        await DeliverAsync(Messages.Aggregate());
        await NextAsync<CommitBudget>();
        return Book()!;
    }

    private string? ResultOf(Guid roundId) => Database.Read(transaction => BookStore.Find(transaction, roundId))?.Result?.Sha256;

    public Book? Book(int round = 1, Guid? runId = null) => Database.Read(transaction => BookStore.Find(transaction, Messages.RoundId(round, runId)));

    /// <summary>Types of the messages that the service has committed to send, in order.</summary>
    public IReadOnlyList<string> Outbox() => Database.Read(transaction => transaction.Query<string>("select type from outbox order by seq"));

    public int CountOf(string table) => Database.Read(transaction => transaction.Scalar<int>($"select count(*) from {table}"));

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

    private sealed class Listener(Received received)
        : IConsumer<ModelPublished>, IConsumer<ModelRefused>, IConsumer<UpdateAdmitted>, IConsumer<UpdateRejected>, IConsumer<RoundAbandoned>, IConsumer<RoundAggregated>
    {
        public Task Consume(ConsumeContext<ModelPublished> context) => received.Keep(context);

        public Task Consume(ConsumeContext<ModelRefused> context) => received.Keep(context);

        public Task Consume(ConsumeContext<UpdateAdmitted> context) => received.Keep(context);

        public Task Consume(ConsumeContext<UpdateRejected> context) => received.Keep(context);

        public Task Consume(ConsumeContext<RoundAbandoned> context) => received.Keep(context);

        public Task Consume(ConsumeContext<RoundAggregated> context) => received.Keep(context);
    }

    private sealed class Accountant(Received received) : IConsumer<CommitBudget>
    {
        public Task Consume(ConsumeContext<CommitBudget> context) => received.Keep(context);
    }

    /// <summary>What came of each message to the service's own queue: null, or what the consumer threw.</summary>
    private sealed class Handled : IConsumeObserver
    {
        private readonly ConcurrentDictionary<Guid, TaskCompletionSource<Exception?>> _outcomes = new();

        public Task<Exception?> OfAsync(Guid messageId) => Outcome(messageId).Task;

        public Task PreConsume<T>(ConsumeContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PostConsume<T>(ConsumeContext<T> context)
            where T : class => Settle(context, null);

        public Task ConsumeFault<T>(ConsumeContext<T> context, Exception exception)
            where T : class => Settle(context, exception);

        private Task Settle(ConsumeContext context, Exception? fault)
        {
            if (context.ReceiveContext.InputAddress.Segments[^1] == Routes.Aggregator)
            {
                Outcome(context.MessageId!.Value).TrySetResult(fault);
            }

            return Task.CompletedTask;
        }

        private TaskCompletionSource<Exception?> Outcome(Guid messageId) =>
            _outcomes.GetOrAdd(messageId, _ => new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}
