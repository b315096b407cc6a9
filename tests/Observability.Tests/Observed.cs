using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;
using Microsoft.Data.Sqlite;

namespace FlEvents.Observability.Tests;

/// <summary>
/// The four services on RabbitMQ, with a Prometheus that looks at them: a run without privacy is over, then budgets were set, a private run is over, one was
/// refused by the ledger, and a last one is in its first round.
/// </summary>
public sealed class Observed(RabbitMqBroker broker) : IAsyncLifetime
{
    /// <summary>z of the private runs.</summary>
    public const double NoiseMultiplier = 4;

    private static readonly string[] Services = [Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant];
    private static readonly string[] Workers = ["worker-1", "worker-2"];
    private static readonly string[] Central =
    [
        "training.validationFraction=0", "evaluation.federated=false", "privacy.mode=central", "privacy.central.clipNorm=1", "privacy.central.noiseMultiplier=4", "selection.count=4",
    ];

    private VirtualHost? _host;
    private TraceReceiver? _receiver;
    private Deployment? _deployment;
    private PrometheusServer? _prometheus;

    internal Deployment Deployment => _deployment!;

    internal PrometheusServer Prometheus => _prometheus!;

    internal TraceReceiver Receiver => _receiver!;

    public Guid PublicRun { get; private set; }

    public Guid PrivateRun { get; private set; }

    /// <summary>What each service and worker measured at the end of the first run, of the private one, and of all.</summary>
    internal Dictionary<string, Scrape> BeforePrivacy { get; } = [];

    internal Dictionary<string, Scrape> AfterPrivacy { get; } = [];

    internal Dictionary<string, Scrape> AtTheEnd { get; } = [];

    public async ValueTask InitializeAsync()
    {
        PrometheusTools.Require();
        _host = await VirtualHost.CreateAsync(broker);
        _receiver = await TraceReceiver.StartAsync();
        _deployment = new Deployment(_host.Url);
        _deployment.Settings[""] = new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _receiver.Url,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        };
        _deployment.Start(Services);
        foreach (var worker in Workers)
        {
            _deployment.StartWorker(worker);
        }

        await _deployment.ReadyAsync();
        _prometheus = new PrometheusServer(Services.Concat(Workers).Select(name => (name, _deployment.UrlOf(name))), broker.MetricsUri);
        await _prometheus.ReadyAsync();
        await RunAllAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in new IAsyncDisposable?[] { _prometheus, _deployment, _receiver, _host })
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }

    /// <summary>The ledgers of a client, as the PrivacyAccountant's API shows them.</summary>
    internal Task<JsonElement> LedgersAsync(string clientId) => GetAsync($"ledger/clients/{clientId}");

    /// <summary>How many more releases the ledger would admit.</summary>
    internal Task<JsonElement> ForecastAsync(string clientId, string unit, double noiseMultiplier) =>
        GetAsync($"ledger/clients/{clientId}/forecast?unit={unit}&noiseMultiplier={noiseMultiplier}");

    /// <summary>Sequence of the ledger's last entry.</summary>
    internal async Task<long> HeadAsync() => (await GetAsync("ledger/head")).GetProperty("sequence").GetInt64();

    /// <summary>Id of a run's first round.</summary>
    internal Guid FirstRound(Guid runId)
    {
        using var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = _deployment!.DatabaseOf(Deployment.Orchestrator), Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "select round_id from round where run_id = $runId and number = 1";
        command.Parameters.AddWithValue("$runId", runId.ToString());
        return Guid.Parse((string)command.ExecuteScalar()!);
    }

    internal async Task<Scrape> ScrapeAsync(string name) => new(await _deployment!.MetricsAsync(name));

    private async Task RunAllAsync()
    {
        PublicRun = await _deployment!.CreateAsync(TinyRun.Read());
        Assert.Equal("completed", await EndAsync(PublicRun));
        await ScrapeAllAsync(BeforePrivacy);

        var clients = (await _deployment.Api.GetAsync("clients")).EnumerateArray().Select(client => client.GetProperty("clientId").GetString()!).ToList();
        foreach (var (client, i) in clients.Order(StringComparer.Ordinal).Select((client, i) => (client, i)))
        {
            await SetBudgetAsync(client, epsilon: 4 + i);
        }

        PrivateRun = await _deployment.CreateAsync(TinyRun.Read(Central));
        Assert.Equal("completed", await EndAsync(PrivateRun));
        await ScrapeAllAsync(AfterPrivacy);

        // Nothing bounds what it would spend, so the ledger refuses each client.
        Assert.NotEqual("completed", await EndAsync(await _deployment.CreateAsync(TinyRun.Read())));
        // Two workers with a slot each and training without end, as far as this goes: two tasks are leased and two wait. Services are scraped one after the other.
        await _deployment.CreateAsync(TinyRun.Read([.. Central, "model.hidden=[2048]", "training.batchSize=1", "training.localEpochs=1000"]));
        await Eventually.HoldsAsync("two tasks wait, two run, and the ledger is scraped as it is", async () =>
            (await _prometheus!.QueryAsync($"sum(fl_training_tasks_waiting) == 2 and sum(fl_training_tasks_running) == 2 and max(fl_ledger_head_sequence) == {await HeadAsync()}")).Count > 0);
        await ScrapeAllAsync(AtTheEnd);
    }

    private async Task<JsonElement> GetAsync(string path)
    {
        using var http = new HttpClient { BaseAddress = new Uri(_deployment!.UrlOf(Deployment.Accountant)), Timeout = Product.Patience };
        return await http.GetFromJsonAsync<JsonElement>(new Uri(path, UriKind.Relative));
    }

    private async Task<string?> EndAsync(Guid runId) => (await _deployment!.Api.EndAsync(runId)).GetProperty("state").GetString();

    private async Task ScrapeAllAsync(Dictionary<string, Scrape> into)
    {
        foreach (var name in Services.Concat(Workers))
        {
            into[name] = await ScrapeAsync(name);
        }
    }

    private async Task SetBudgetAsync(string clientId, double epsilon)
    {
        using var http = new HttpClient { BaseAddress = new Uri(_deployment!.UrlOf(Deployment.Accountant)), Timeout = Product.Patience };
        var ledger = (await LedgersAsync(clientId)).GetProperty("ledgers")[0].GetProperty("ledger");
        using var response = await http.PutAsJsonAsync(new Uri("ledger/budgets", UriKind.Relative), new { ledger, unit = "client", epsilon, delta = 1e-5 });
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }
}
