using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using FlEvents.Contracts;
using FlEvents.Orchestrator.Api;
using FlEvents.ServiceDefaults.Storage;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.Bench.Rounds;

/// <summary>
/// The three services and pool workers as a process each, over RabbitMQ: the broker <c>RABBITMQ_URL</c> names, else Debian's as a child process.
/// </summary>
public sealed class SeparateProcesses : IDeployment
{
    private const string Pool = "client";
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    private readonly List<IAsyncDisposable> _parts = [];
    private readonly List<ChildProcess> _services = [];
    private readonly Queue<ChildProcess> _workers = [];
    private readonly HttpClient _orchestrator = new() { BaseAddress = new Uri($"http://127.0.0.1:{FreePort.Next()}/") };
    private readonly Uri _aggregator = new($"http://127.0.0.1:{FreePort.Next()}/");
    private readonly RunFile _file;
    private readonly string _stateFolder;
    private readonly Durability _durability;
    private Uri? _broker;
    private int _workersStarted;

    private SeparateProcesses(RunFile file, string stateFolder, Durability durability) => (_file, _stateFolder, _durability) = (file, stateFolder, durability);

    /// <summary>Starts everything and waits until each service is healthy.</summary>
    /// <param name="workers">Worker processes.</param>
    /// <param name="slots">Trainings at a time in each.</param>
    public static async Task<SeparateProcesses> StartAsync(
        RunFile file, string stateFolder, Durability durability, int workers, int slots, CancellationToken cancellationToken)
    {
        var deployment = new SeparateProcesses(file, stateFolder, durability);
        try
        {
            await deployment.StartServicesAsync(cancellationToken);
            await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => deployment.StartWorkerAsync(slots, cancellationToken)));
            return deployment;
        }
        catch
        {
            await deployment.DisposeAsync();
            throw;
        }
    }

    public async Task<IReadOnlyList<RoundView>> RunAsync(RunSpec run, Action<int> onRound, CancellationToken cancellationToken)
    {
        using var response = await _orchestrator.PostAsJsonAsync("runs", run, Json, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"The run was not created: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        }

        var created = (await response.Content.ReadFromJsonAsync<RunView>(Json, cancellationToken))!;
        while (await _orchestrator.GetFromJsonAsync<RunView>($"runs/{created.RunId}", Json, cancellationToken) is { EndedAt: null } now)
        {
            onRound(now.Round);
            await Task.Delay(Poll, cancellationToken);
        }

        return (await _orchestrator.GetFromJsonAsync<List<RoundView>>($"runs/{created.RunId}/rounds", Json, cancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        _orchestrator.Dispose();
        foreach (var service in _services)
        {
            service.Signal(Signal.Terminate);
        }

        foreach (var service in _services)
        {
            await service.WaitForExitAsync(StopTime);
        }

        foreach (var part in Enumerable.Reverse(_parts))
        {
            await part.DisposeAsync();
        }
    }

    private static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Starts one more worker of the pool and waits until it is healthy.</summary>
    public async Task StartWorkerAsync(int slots, CancellationToken cancellationToken)
    {
        var name = $"worker-{++_workersStarted}";
        var data = _file.Simulation.Data[_file.Run.Data.DataSet];
        var section = $"ClientWorker__DataSets__{_file.Run.Data.DataSet}__";
        Dictionary<string, string?> settings = new()
        {
            ["ClientWorker__WorkerId"] = name,
            ["ClientWorker__DataFolder"] = Path.Combine(_stateFolder, name),
            ["ClientWorker__Durability"] = $"{_durability}",
            ["ClientWorker__AggregatorUrl"] = $"{_aggregator}",
            ["ClientWorker__Pool"] = Pool,
            ["ClientWorker__Clients"] = _file.Simulation.Clients.ToString(CultureInfo.InvariantCulture),
            ["ClientWorker__Slots"] = slots.ToString(CultureInfo.InvariantCulture),
            [$"{section}Kind"] = $"{data.Kind}",
            [$"{section}Images"] = data.Images,
            [$"{section}Labels"] = data.Labels,
            [$"{section}Count"] = data.Count?.ToString(CultureInfo.InvariantCulture),
            [$"{section}Seed"] = data.Seed?.ToString(CultureInfo.InvariantCulture),
        };
        var url = new Uri($"http://127.0.0.1:{FreePort.Next()}/");
        var worker = Start("FlEvents.ClientWorker", url, settings);
        _workers.Enqueue(worker);
        await HealthyAsync(worker, url, cancellationToken);
    }

    /// <summary>Kills the worker that was started first (SIGKILL).</summary>
    public async Task KillWorkerAsync()
    {
        var worker = _workers.Dequeue();
        _services.Remove(worker);
        await worker.KillAsync();
    }

    private async Task StartServicesAsync(CancellationToken cancellationToken)
    {
        _broker = await BrokerAsync();
        (string Assembly, Uri Url, Dictionary<string, string?> Settings)[] services =
        [
            ("FlEvents.PrivacyAccountant", new Uri($"http://127.0.0.1:{FreePort.Next()}/"), new()
            {
                ["PrivacyAccountant__DataFolder"] = Path.Combine(_stateFolder, "privacy-accountant"),
            }),
            ("FlEvents.Aggregator", _aggregator, new()
            {
                ["Aggregator__DataFolder"] = Path.Combine(_stateFolder, "aggregator"),
                ["Aggregator__Durability"] = $"{_durability}",
            }),
            ("FlEvents.Orchestrator", _orchestrator.BaseAddress!, new()
            {
                ["Orchestrator__DataFolder"] = Path.Combine(_stateFolder, "orchestrator"),
                ["Orchestrator__Durability"] = $"{_durability}",
                ["Orchestrator__AggregatorUrl"] = $"{_aggregator}",
            }),
        ];
        foreach (var (service, url) in services.Select(service => (Start(service.Assembly, service.Url, service.Settings), service.Url)).ToList())
        {
            await HealthyAsync(service, url, cancellationToken);
        }
    }

    private ChildProcess Start(string assembly, Uri url, Dictionary<string, string?> settings)
    {
        settings["ASPNETCORE_URLS"] = $"{url}";
        settings["Bus__Transport"] = "RabbitMq";
        settings["Bus__RabbitMqUrl"] = $"{_broker}";
        var service = ChildProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll")], settings);
        _parts.Add(service);
        _services.Add(service);
        return service;
    }

    private async Task<Uri> BrokerAsync()
    {
        if (Environment.GetEnvironmentVariable("RABBITMQ_URL") is { Length: > 0 } url)
        {
            return new Uri(url);
        }

        if (!RabbitMqProcess.IsInstalled)
        {
            throw new InvalidDataException("No RabbitMQ: set RABBITMQ_URL, or install Debian's rabbitmq-server.");
        }

        var broker = new RabbitMqProcess();
        _parts.Add(broker);
        await broker.StartAsync();
        return broker.Uri;
    }

    private static async Task HealthyAsync(ChildProcess service, Uri url, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(StartTime);
        while (!await IsHealthyAsync(http, new Uri(url, "health"), patience.Token))
        {
            if (service.HasExited)
            {
                throw new InvalidOperationException($"A service ended at its start:\n{string.Join('\n', service.Output.TakeLast(20))}");
            }

            await Task.Delay(Poll, patience.Token);
        }
    }

    private static async Task<bool> IsHealthyAsync(HttpClient http, Uri health, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(health, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
