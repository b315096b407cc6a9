using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.Observability.Tests;

/// <summary>A real Prometheus on a free port of loopback, which looks at services and a broker's queues twice a second.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ChildProcess _process;
    private readonly HttpClient _http;

    /// <param name="services">Addresses by name.</param>
    /// <param name="broker">Where the broker answers Prometheus.</param>
    public PrometheusServer(IEnumerable<(string Name, string Url)> services, Uri broker)
    {
        var port = FreePort.Next();
        var targets = services.Select(service => $"      - {{ targets: ['{new Uri(service.Url).Authority}'], labels: {{ pod: '{service.Name}' }} }}\n");
        File.WriteAllText(_folder.File("prometheus.yml"), $"""
            global: {"{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }"}
            rule_files: ['{Repository.File("k8s", "observability", "alerts.yaml")}']
            scrape_configs:
              - job_name: rabbitmq-queues
                metrics_path: /metrics/detailed
                params: {"{ family: [queue_coarse_metrics] }"}
                static_configs: [{"{"} targets: ['{broker.Authority}'] {"}"}]
              - job_name: flevents
                static_configs:

            """ + string.Concat(targets));
        _process = ChildProcess.Start(
            PrometheusTools.Server,
            [
                $"--config.file={_folder.File("prometheus.yml")}", $"--storage.tsdb.path={_folder.File("data")}",
                $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
            ]);
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/"), Timeout = Product.Patience };
    }

    public Task ReadyAsync() => Eventually.HoldsAsync("Prometheus is ready", async () =>
    {
        Assert.False(_process.HasExited, $"Prometheus has ended:\n{string.Join('\n', _process.Output)}");
        try
        {
            using var response = await _http.GetAsync(new Uri("-/ready", UriKind.Relative));
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    });

    /// <summary>What a query gives now.</summary>
    /// <returns>Labels and value of each series; a scalar has no labels.</returns>
    public async Task<IReadOnlyList<(IReadOnlyDictionary<string, string> Labels, double Value)>> QueryAsync(string query)
    {
        using var response = await _http.GetAsync(new Uri($"api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative));
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(answer.GetProperty("status").GetString() == "success", $"{query}\n{answer}");
        return
        [
            .. answer.GetProperty("data").GetProperty("result").EnumerateArray().Select(series => (
                (IReadOnlyDictionary<string, string>)series.GetProperty("metric").EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!),
                Number(series.GetProperty("value")[1].GetString()!))),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _process.DisposeAsync();
        _folder.Dispose();
    }

    internal static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        _ => double.Parse(text, CultureInfo.InvariantCulture),
    };
}
