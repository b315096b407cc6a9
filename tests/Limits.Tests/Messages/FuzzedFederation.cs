using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Aggregator.Rounds;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;
using MassTransit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FlEvents.Limits.Tests.Messages;

/// <summary>The four services in this process, as <c>flevents run</c> hosts them, on a bus that carries whatever bytes the test sends.</summary>
internal sealed class FuzzedFederation : IAsyncDisposable
{
    public const string WorkerQueue = "fl-pool-client";
    private static readonly string[] Databases = ["orchestrator", "aggregator", "ledger", "client-worker"];
    private static readonly string[] Queues = [Routes.Orchestrator, Routes.Heartbeats, Routes.Aggregator, Routes.PrivacyAccountant, WorkerQueue];

    private readonly TemporaryFolder _folder = new();
    private readonly Watcher _watcher = new();
    private Federation _federation = null!;
    private IBusControl _bus = null!;
    private RunModels _models = null!;

    public HttpClient Http { get; private set; } = null!;

    public RunsApi Api => new(Http);

    /// <summary>Bodies of messages that were seen, as JSON envelopes, by contract and queue: the newest few.</summary>
    public IReadOnlyDictionary<(string Contract, string Queue), ConcurrentQueue<string>> Seen => _watcher.Seen;

    public string LedgerFile => _folder.File("privacy-accountant", "ledger.db");

    public static async Task<FuzzedFederation> StartAsync(RunFile file)
    {
        var fuzzed = new FuzzedFederation();
        var services = new Services();
        fuzzed._federation = await Federation.StartAsync(
            file, fuzzed._folder.Path, Transport.Memory, "http://127.0.0.1:0", TestContext.Current.CancellationToken, collection => collection.AddSingleton<IHostedService>(services.Take));
        fuzzed._bus = services.Provider.GetRequiredService<IBusControl>();
        fuzzed._models = services.Provider.GetRequiredService<RunModels>();
        fuzzed._bus.ConnectReceiveObserver(fuzzed._watcher);
        fuzzed.Http = new HttpClient { BaseAddress = new Uri(fuzzed._federation.Url), Timeout = Product.Patience };
        await Eventually.HoldsAsync("the clients are enrolled", async () => (await fuzzed.Api.GetAsync("clients")).GetArrayLength() == file.Simulation.Clients);
        return fuzzed;
    }

    /// <summary>Managed memory in bytes, but for the weights that the Aggregator keeps up to a bound of its own.</summary>
    public long Memory() => GC.GetTotalMemory(forceFullCollection: true) - _models.NewestBytes;

    /// <summary>Sends bytes to a queue as a message.</summary>
    public async Task SendAsync(string queue, byte[] body)
    {
        var id = Guid.CreateVersion7();
        _watcher.Sent(id, queue, body);
        var endpoint = await _bus.GetSendEndpoint(new Uri($"exchange:{queue}"));
        await endpoint.Send(new Envelope(), context => (context.MessageId, context.Serializer) = (id, new Verbatim(body)), TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until everything that was sent is dealt with, one way or another.</summary>
    public async Task HandledAsync()
    {
        try
        {
            await _watcher.HandledAsync(Product.Patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Messages that are not dealt with:\n{string.Join('\n', _watcher.Waiting.Take(5).Select(sent => $"{sent.Queue}: {Shown(sent.Body)}"))}");
        }
    }

    /// <summary>Every message that a consumer could not take is in the quarantine of the service that it was sent to.</summary>
    public void AssertFaultsQuarantined()
    {
        var faults = _watcher.Faults();
        var aside = Databases.SelectMany(database => Read(database, "select message_id from quarantine")).Select(row => Guid.Parse(row[0]!)).ToHashSet();
        Assert.All(faults, fault => Assert.True(aside.Contains(fault.Id), $"{fault.Queue}: not quarantined: {Shown(fault.Body)}"));
    }

    /// <summary>Messages put aside by a service: contract, reason, detail.</summary>
    public IReadOnlyList<(string? Contract, string Reason, string Detail)> Quarantined() =>
        [.. Databases.SelectMany(Quarantined)];

    public async Task<Guid> CreateAsync(RunFile file) => await Api.CreateAsync(JsonSerializer.SerializeToNode(file.Run, JsonSerializerOptions.Web)!.AsObject());

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _federation.DisposeAsync();
        _folder.Dispose();
    }

    private static string Shown(byte[] body) => Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 2000)));

    private IEnumerable<(string?, string, string)> Quarantined(string database) =>
        Read(database, "select type, reason, detail from quarantine order by id").Select(row => (row[0], row[1]!, row[2]!));

    private List<string?[]> Read(string database, string sql)
    {
        var path = Directory.EnumerateFiles(_folder.Path, $"{database}.db", SearchOption.AllDirectories).Single();
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string?[]>();
        while (reader.Read())
        {
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : $"{reader.GetValue(i)}")]);
        }

        return rows;
    }

    /// <summary>Lets the test have the host's services.</summary>
    private sealed class Services : BackgroundService
    {
        public IServiceProvider Provider { get; private set; } = null!;

        public Services Take(IServiceProvider provider)
        {
            Provider = provider;
            return this;
        }

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;
    }

    /// <summary>Keeps samples of what goes by, and knows which of the sent messages have not been dealt with.</summary>
    private sealed class Watcher : IReceiveObserver
    {
        private const int Kept = 4;
        private readonly ConcurrentDictionary<(string Contract, string Queue), ConcurrentQueue<string>> _seen = new();
        private readonly ConcurrentDictionary<Guid, (string Queue, byte[] Body)> _sent = new();
        private readonly ConcurrentQueue<(Guid Id, string Queue, byte[] Body)> _faults = new();

        public IReadOnlyDictionary<(string Contract, string Queue), ConcurrentQueue<string>> Seen => _seen;

        public IEnumerable<(string Queue, byte[] Body)> Waiting => _sent.Values;

        /// <summary>Messages that could not be taken, each told once.</summary>
        public List<(Guid Id, string Queue, byte[] Body)> Faults()
        {
            var faults = _faults.ToList();
            _faults.Clear();
            return faults;
        }

        public void Sent(Guid id, string queue, byte[] body) => _sent[id] = (queue, body);

        public Task HandledAsync(TimeSpan longest) => Eventually.HoldsAsync("every message is dealt with", () => _sent.IsEmpty).WaitAsync(longest);

        public Task PreReceive(ReceiveContext context)
        {
            var queue = context.InputAddress.Segments[^1];
            if (Queues.Contains(queue) && IdOf(context) is var id && (id is null || !_sent.ContainsKey(id.Value)))
            {
                var body = context.Body.GetString();
                var contract = JsonNode.Parse(body)!["messageType"]![0]!.GetValue<string>().Split(':')[^1];
                var samples = _seen.GetOrAdd((contract, queue), _ => new ConcurrentQueue<string>());
                samples.Enqueue(body);
                if (samples.Count > Kept)
                {
                    samples.TryDequeue(out _);
                }
            }

            return Task.CompletedTask;
        }

        public Task PostReceive(ReceiveContext context) => Settle(context);

        public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
            where T : class => Task.CompletedTask;

        public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
            where T : class => Task.CompletedTask;

        public Task ReceiveFault(ReceiveContext context, Exception exception)
        {
            if (IdOf(context) is { } id && _sent.TryGetValue(id, out var sent))
            {
                _faults.Enqueue((id, sent.Queue, sent.Body));
            }

            return Settle(context);
        }

        private Task Settle(ReceiveContext context)
        {
            if (IdOf(context) is { } id)
            {
                _sent.TryRemove(id, out _);
            }

            return Task.CompletedTask;
        }

        private static Guid? IdOf(ReceiveContext context) =>
            context.TransportHeaders.TryGetHeader("MessageId", out var value) && Guid.TryParse($"{value}", out var id) ? id : context.GetMessageId();
    }
}
