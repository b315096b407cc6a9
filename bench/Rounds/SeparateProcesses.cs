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
/// The three services and a pool worker as a process each, over RabbitMQ: the broker <c>RABBITMQ_URL</c> names, else Debian's as a child process.
/// </summary>
public sealed class SeparateProcesses : IDeployment
{
    private const string Pool = "client";
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    private readonly List<IAsyncDisposable> _parts = [];
    private readonly List<ChildProcess> _services = [];
    private readonly HttpClient _orchestrator = new() { BaseAddress = new Uri($"http://127.0.0.1:{FreePort.Next()}/") };

    private SeparateProcesses()
    {
    }

    /// <summary>Starts everything and waits until each service is healthy.</summary>
    public static async Task<SeparateProcesses> StartAsync(RunFile file, string stateFolder, Durability durability, CancellationToken cancellationToken)
    {
        var deployment = new SeparateProcesses();
        try
        {
            await deployment.StartPartsAsync(file, stateFolder, durability, cancellationToken);
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

    private async Task StartPartsAsync(RunFile file, string stateFolder, Durability durability, CancellationToken cancellationToken)
    {
        var broker = await BrokerAsync();
        var aggregatorUrl = $"http://127.0.0.1:{FreePort.Next()}/";
        var data = file.Simulation.Data[SmallRun.DataSet];
        Dictionary<string, string?> With(string url, params (string Name, string Value)[] settings) => new(
            settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Name, setting.Value)))
        {
            ["ASPNETCORE_URLS"] = url,
            ["Bus__Transport"] = "RabbitMq",
            ["Bus__RabbitMqUrl"] = broker.ToString(),
        };

        (string Assembly, Dictionary<string, string?> Environment)[] services =
        [
            ("FlEvents.PrivacyAccountant", With(
                $"http://127.0.0.1:{FreePort.Next()}/", ("PrivacyAccountant__DataFolder", Path.Combine(stateFolder, "privacy-accountant")))),
            ("FlEvents.Aggregator", With(
                aggregatorUrl, ("Aggregator__DataFolder", Path.Combine(stateFolder, "aggregator")), ("Aggregator__Durability", $"{durability}"))),
            ("FlEvents.Orchestrator", With(
                $"{_orchestrator.BaseAddress}",
                ("Orchestrator__DataFolder", Path.Combine(stateFolder, "orchestrator")),
                ("Orchestrator__Durability", $"{durability}"),
                ("Orchestrator__AggregatorUrl", aggregatorUrl))),
            ("FlEvents.ClientWorker", With(
                $"http://127.0.0.1:{FreePort.Next()}/",
                ("ClientWorker__DataFolder", Path.Combine(stateFolder, "client-worker")),
                ("ClientWorker__Durability", $"{durability}"),
                ("ClientWorker__AggregatorUrl", aggregatorUrl),
                ("ClientWorker__Pool", Pool),
                ("ClientWorker__Clients", file.Simulation.Clients.ToString(CultureInfo.InvariantCulture)),
                ("ClientWorker__Slots", file.Simulation.Slots(Environment.ProcessorCount).ToString(CultureInfo.InvariantCulture)),
                ($"ClientWorker__DataSets__{SmallRun.DataSet}__Kind", "Idx"),
                ($"ClientWorker__DataSets__{SmallRun.DataSet}__Images", data.Images!),
                ($"ClientWorker__DataSets__{SmallRun.DataSet}__Labels", data.Labels!))),
        ];
        foreach (var (assembly, environment) in services)
        {
            var service = ChildProcess.Start("dotnet", [Path.Combine(AppContext.BaseDirectory, $"{assembly}.dll")], environment);
            _parts.Add(service);
            _services.Add(service);
        }

        foreach (var (service, (_, environment)) in _services.Zip(services))
        {
            await HealthyAsync(service, new Uri(new Uri(environment["ASPNETCORE_URLS"]!), "health"), cancellationToken);
        }
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

    private static async Task HealthyAsync(ChildProcess service, Uri health, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(StartTime);
        while (!await IsHealthyAsync(http, health, patience.Token))
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
