using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using Dapper;
using FlEvents.ClientWorker.Storage;
using FlEvents.ClientWorker.Training;
using FlEvents.ClientWorker.Updates;
using FlEvents.Contracts;
using FlEvents.DifferentialPrivacy.Mechanisms;
using FlEvents.Learning.Training;
using FlEvents.ServiceDefaults.Blobs;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Metrics;
using FlEvents.Testing;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.ClientWorker.Tests;

/// <summary>A worker with its real database, outbox, threads and engine on the in-memory bus or a broker, and a journal of what it sends.</summary>
internal sealed class WorkerHost : IAsyncDisposable
{
    // Nothing here waits for time to pass; this only ends a test that hangs.
    private static readonly TimeSpan Hung = TimeSpan.FromSeconds(60);

    private readonly WebApplication _app;
    private readonly Journal _journal;
    private readonly string _database;
    private bool _stopped;

    private WorkerHost(WebApplication app, Journal journal, string database)
    {
        _app = app;
        _journal = journal;
        _database = database;
    }

    public TaskStore Tasks => _app.Services.GetRequiredService<TaskStore>();

    /// <summary>The bus's exchanges, queues and limits as JSON.</summary>
    public string Topology() => JsonSerializer.Serialize(_app.Services.GetRequiredService<IBusControl>().GetProbeResult().Results);

    /// <summary>What the worker serves at <c>/metrics</c>.</summary>
    public string Metrics() => _app.Services.GetRequiredService<PrometheusText>().Write();

    /// <summary>Puts a row into the database as an earlier process left it.</summary>
    public Task StoreAsync(TrainingTask task) => _app.Services.GetRequiredService<WorkerDatabase>()
        .WriteAsync(transaction => TaskStore.Save(transaction, task), CancellationToken.None);

    public static Task<WorkerHost> StartAsync(
        TemporaryFolder folder, IUpdateSink sink, ITrainingEngine? engine = null, int slots = 1, params (string Key, string Value)[] settings) =>
        StartAsync(folder.Path, sink, engine, noise: null, [("ClientWorker:Slots", $"{slots}"), .. settings]);

    /// <param name="engine">In the place of the built-in engine; null for that.</param>
    /// <param name="noise">In the place of the cryptographic source; null for that.</param>
    public static async Task<WorkerHost> StartAsync(
        string folder, IUpdateSink sink, ITrainingEngine? engine, INoiseSource? noise, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var all = new Dictionary<string, string?>
        {
            ["Urls"] = "http://127.0.0.1:0",
            ["Bus:Transport"] = "Memory",
            ["ClientWorker:WorkerId"] = "worker-a",
            ["ClientWorker:Pool"] = "ward",
            ["ClientWorker:Clients"] = "5",
            ["ClientWorker:Slots"] = "1",
            ["ClientWorker:DataFolder"] = folder,
            ["ClientWorker:DataSets:digits:Kind"] = "digits",
            ["ClientWorker:DataSets:digits:Count"] = "60",
        };
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        builder.Configuration.AddInMemoryCollection(all);
        builder.AddServiceDefaults();
        var models = new BlobFolder(Path.Combine(folder, "models"), synced: false);
        models.Publish(models.Stage(Commands.BaseModel));
        builder.Services.AddSingleton<IModelSource>(new FolderModelSource(models));
        builder.Services.AddSingleton(sink);
        if (engine is not null)
        {
            builder.Services.AddSingleton(engine);
        }

        if (noise is not null)
        {
            builder.Services.AddSingleton(noise);
        }

        var journal = new Journal();
        builder.Services.AddSingleton(journal);
        builder.AddClientWorker();
        builder.AddBus(bus =>
        {
            bus.AddClientWorkerConsumers(builder.Configuration);
            Observe<TrainingAccepted>(bus, "observer");
            Observe<TrainingRefused>(bus, "observer");
            Observe<TrainingInterrupted>(bus, "observer");
            Observe<UpdateSubmitted>(bus, "observer");
            Observe<EvaluationSubmitted>(bus, "observer");
            Observe<WorkerHeartbeat>(bus, "observer");
            Observe<EnrollClient>(bus, Routes.Orchestrator);
        });
        var app = builder.Build();
        app.MapServiceDefaults();
        app.MapClientWorker();
        await app.StartAsync();
        await app.Services.GetRequiredService<IBusControl>().WaitForHealthStatus(BusHealthStatus.Healthy, Hung);
        return new WorkerHost(app, journal, Path.Combine(folder, "client-worker.db"));
    }

    /// <summary>Sends a command as the Orchestrator does: to the exchange of the pool.</summary>
    public async Task SendAsync<T>(T command, Guid? messageId = null, string exchange = "fl-pool-ward")
        where T : class
    {
        var endpoint = await _app.Services.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"exchange:{exchange}"));
        await endpoint.Send(command, context => context.MessageId = messageId ?? Guid.NewGuid());
    }

    /// <summary>The next message of a type that fits; each is given once.</summary>
    public Task<T> NextAsync<T>(Func<T, bool>? fits = null)
        where T : class =>
        _journal.NextAsync(fits ?? (_ => true)).WaitAsync(Hung);

    private const string SelectOutbox = """
        select type, json_extract(body, '$.reservationId') from outbox where type not in ('EnrollClient', 'LeaseRenewed', 'ServiceRestored') order by seq
        """;

    /// <summary>What the worker has committed to send, in order: type and reservation.</summary>
    public List<(string Type, Guid ReservationId)> Outbox()
    {
        using var connection = new SqliteConnection($"Data Source={_database};Mode=ReadOnly;Pooling=false");
        return connection
            .Query<(string, string)>(SelectOutbox)
            .Select(row => (row.Item1, Guid.Parse(row.Item2)))
            .ToList();
    }

    /// <summary>The first column of a query over the worker's database.</summary>
    public List<string?> Column(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_database};Mode=ReadOnly;Pooling=false");
        return connection.Query<string?>(sql).ToList();
    }

    /// <summary>Waits until a task's update is on this worker's disk.</summary>
    public async Task TrainedAsync(Guid reservationId)
    {
        using var hung = new CancellationTokenSource(Hung);
        while (await Tasks.FindAsync(reservationId) is not { State: TaskState.Trained })
        {
            await Task.Delay(10, hung.Token);
        }
    }

    public int Unsent()
    {
        using var connection = new SqliteConnection($"Data Source={_database};Mode=ReadOnly;Pooling=false");
        return connection.ExecuteScalar<int>("select count(*) from outbox where sent_at is null");
    }

    public async Task StopAsync()
    {
        _stopped = true;
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>Disposes the host as one that could not start is: without a stop before.</summary>
    public Task ThrowAwayAsync()
    {
        _stopped = true;
        return _app.DisposeAsync().AsTask().WaitAsync(Hung);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopped)
        {
            await StopAsync();
        }
    }

    private static void Observe<T>(IBusRegistrationConfigurator bus, string endpoint)
        where T : class =>
        bus.AddConsumer<Observer<T>>().Endpoint(configurator => configurator.Name = endpoint);

    private sealed class Observer<T>(Journal journal) : IConsumer<T>
        where T : class
    {
        public Task Consume(ConsumeContext<T> context)
        {
            journal.Add(context.Message);
            return Task.CompletedTask;
        }
    }

    private sealed class Journal
    {
        private readonly ConcurrentDictionary<Type, Channel<object>> _channels = new();

        public void Add(object message) => Of(message.GetType()).Writer.TryWrite(message);

        public async Task<T> NextAsync<T>(Func<T, bool> fits)
        {
            while (true)
            {
                if (await Of(typeof(T)).Reader.ReadAsync() is T message && fits(message))
                {
                    return message;
                }
            }
        }

        private Channel<object> Of(Type type) => _channels.GetOrAdd(type, _ => Channel.CreateUnbounded<object>());
    }
}
