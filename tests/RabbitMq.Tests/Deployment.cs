using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary>The four services, each a process of its own, with their state in one folder. What is started is killed on dispose.</summary>
/// <param name="rabbitMqUrl">Address of the broker with the virtual host.</param>
/// <param name="scheme">Of the services' addresses.</param>
internal sealed class Deployment(string rabbitMqUrl, string scheme = "http") : IAsyncDisposable
{
    public const string Orchestrator = "Orchestrator";
    public const string Aggregator = "Aggregator";
    public const string Accountant = "PrivacyAccountant";
    private const string Worker = "ClientWorker";
    private const int LinesShown = 30;

    /// <summary>Longest that a service may take to stop: the time it waits for work in hand, by default.</summary>
    public static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, (ChildProcess Process, string Url)> _running = [];
    private readonly Dictionary<string, string> _urls = new[] { Orchestrator, Aggregator, Accountant }.ToDictionary(service => service, _ => NewUrl(scheme));
    private HttpClient? _http;

    /// <summary>Variables that services and workers are started with beside their own: by name, or for all under an empty one.</summary>
    public Dictionary<string, Dictionary<string, string?>> Settings { get; } = [];

    /// <summary>The key that is shown to the Orchestrator; null for none.</summary>
    public string? Key { get; init; }

    /// <summary>Whom the calls of a test trust.</summary>
    public Func<HttpMessageHandler> Handler { get; init; } = () => new SocketsHttpHandler();

    public RunsApi Api => new(_http ??= ApiKey.Show(new HttpClient(Handler()) { BaseAddress = new Uri(_urls[Orchestrator]), Timeout = Product.Patience }, Key));

    /// <summary>The workers that are running.</summary>
    public IEnumerable<string> Workers => _running.Keys.Except(_urls.Keys);

    /// <summary>Address of a service that owns state, or of a worker that is running.</summary>
    public string UrlOf(string name) => _urls.GetValueOrDefault(name) ?? _running[name].Url;

    /// <summary>The process of a service or worker.</summary>
    public ChildProcess this[string name] => _running[name].Process;

    /// <summary>Starts the services that own the state, or some of them.</summary>
    public void Start(params string[] services)
    {
        foreach (var service in services)
        {
            Start(service, service, _urls[service], service switch
            {
                Orchestrator => new() { ["Orchestrator__AggregatorUrl"] = $"{_urls[Aggregator]}/" },
                Aggregator => Digits("Aggregator", "digits-test"),
                _ => [],
            });
        }
    }

    /// <summary>Starts a worker of the pool that a simulation has, with one slot.</summary>
    public void StartWorker(string workerId)
    {
        Dictionary<string, string?> settings = new(Digits(Worker, "digits"))
        {
            ["ClientWorker__WorkerId"] = workerId,
            ["ClientWorker__Pool"] = "client",
            ["ClientWorker__Clients"] = $"{TinyRun.Clients}",
            ["ClientWorker__Slots"] = "1",
            ["ClientWorker__HeartbeatSeconds"] = "0.5",
            ["ClientWorker__AggregatorUrl"] = $"{_urls[Aggregator]}/",
        };
        Start(workerId, Worker, NewUrl(scheme), settings);
    }

    /// <summary>Starts a second process of a service on the folder of the first.</summary>
    /// <returns>Its name.</returns>
    public string StartReplica(string service)
    {
        var replica = $"{service}-replica";
        Start(replica, service, NewUrl(scheme), new() { ["Orchestrator__AggregatorUrl"] = $"{_urls[Aggregator]}/" }, folder: service);
        return replica;
    }

    /// <summary>Asks a service or worker to end (SIGTERM).</summary>
    /// <returns>Its exit code.</returns>
    /// <exception cref="TimeoutException">It did not end in the time that it may take.</exception>
    public async Task<int> StopAsync(string name)
    {
        var exitCode = await _running[name].Process.TerminateAsync(StopTimeout);
        await _running[name].Process.DisposeAsync();
        _running.Remove(name);
        return exitCode;
    }

    /// <summary>Starts a service or worker again.</summary>
    public void Restart(string name)
    {
        if (_urls.ContainsKey(name))
        {
            Start(name);
        }
        else
        {
            StartWorker(name);
        }
    }

    /// <summary>Kills a service or worker (SIGKILL).</summary>
    public async Task KillAsync(string name)
    {
        await _running[name].Process.KillAsync();
        await _running[name].Process.DisposeAsync();
        _running.Remove(name);
    }

    /// <summary>The database file of a service or worker.</summary>
    public string DatabaseOf(string name) => name switch
    {
        Orchestrator => _folder.File(name, "orchestrator.db"),
        Aggregator => _folder.File(name, "aggregator.db"),
        Accountant => _folder.File(name, "ledger.db"),
        _ => _folder.File(name, "client-worker.db"),
    };

    /// <summary>Waits until everything that was started is healthy, which includes its connection to the broker.</summary>
    public async Task ReadyAsync()
    {
        foreach (var name in _running.Keys)
        {
            await Eventually.HoldsAsync($"{name} is healthy", async () => await StatusAsync(name, "health") == 200);
        }
    }

    /// <summary>The status with which a service or worker answers; 0 when it does not.</summary>
    public async Task<int> StatusAsync(string name, string path)
    {
        var (process, url) = _running[name];
        if (process.HasExited)
        {
            // Once its output is read.
            var exitCode = await process.WaitForExitAsync(StopTimeout);
            Assert.Fail($"{name} has ended with {exitCode}:\n{string.Join('\n', process.Output.TakeLast(LinesShown))}");
        }

        try
        {
            using var http = new HttpClient(Handler()) { Timeout = Product.Patience };
            using var response = await http.GetAsync(new Uri($"{url}/{path}"));
            return (int)response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return 0;
        }
    }

    /// <summary>What a service or worker measures, as text.</summary>
    public async Task<string> MetricsAsync(string name)
    {
        using var http = new HttpClient(Handler()) { Timeout = Product.Patience };
        return await http.GetStringAsync(new Uri($"{_running[name].Url}/metrics"));
    }

    /// <summary>Creates a run from the <c>run</c> part of a run file.</summary>
    public Task<Guid> CreateAsync(RunFile file) => Api.CreateAsync(JsonSerializer.SerializeToNode(file.Run, JsonSerializerOptions.Web)!.AsObject());

    /// <summary>Waits for a run's end and downloads its model.</summary>
    /// <returns>SHA-256 of the model's bytes.</returns>
    public async Task<string> ModelSha256Async(Guid runId)
    {
        var run = await Api.EndAsync(runId);
        Assert.True(run.GetProperty("state").GetString() == "completed", run.GetRawText());
        var sha256 = Product.Sha256(await _http!.GetByteArrayAsync(new Uri($"runs/{runId}/model", UriKind.Relative)));
        Assert.Equal(run.GetProperty("model").GetProperty("sha256").GetString(), sha256);
        return sha256;
    }

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        foreach (var (process, _) in _running.Values)
        {
            await process.DisposeAsync();
        }

        _folder.Dispose();
    }

    private static string NewUrl(string scheme) => $"{scheme}://127.0.0.1:{FreePort.Next()}";

    private static Dictionary<string, string?> Digits(string section, string dataSet) => new()
    {
        [$"{section}__DataSets__{dataSet}__Kind"] = "digits",
        [$"{section}__DataSets__{dataSet}__Count"] = dataSet == "digits" ? "300" : "100",
        [$"{section}__DataSets__{dataSet}__Seed"] = dataSet == "digits" ? "1" : "2",
    };

    private void Start(string name, string program, string url, Dictionary<string, string?> settings, string? folder = null)
    {
        settings["ASPNETCORE_URLS"] = url;
        settings["Bus__RabbitMqUrl"] = rabbitMqUrl;
        settings[$"{program}__DataFolder"] = _folder.File(folder ?? name);
        foreach (var (key, value) in new[] { "", name }.SelectMany(of => Settings.GetValueOrDefault(of, [])))
        {
            settings[key] = value;
        }

        var file = Path.Combine(AppContext.BaseDirectory, $"FlEvents.{program}.dll");
        _running[name] = (ChildProcess.Start(Product.Dotnet, [file], settings, _folder.Path), url);
    }
}
