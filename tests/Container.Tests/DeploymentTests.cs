using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.Observability.Tests;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;

namespace FlEvents.Container.Tests;

/// <summary><c>compose.yaml</c> as it stands, but for the broker and Prometheus, which come from Debian's packages, and Grafana, which can't be had from there.</summary>
public sealed class DeploymentTests(Images images, ITestOutputHelper output)
{
    private const string Compose = "/usr/bin/docker-compose";
    private static readonly string[] Services = ["orchestrator", "aggregator", "privacy-accountant", "worker-1", "worker-2", "worker-3"];
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    private readonly string _project = $"flevents{Guid.NewGuid():N}"[..20];
    private string? _key;
    private readonly Dictionary<string, string?> _ports = new[] { "ORCHESTRATOR_PORT", "AGGREGATOR_PORT", "ACCOUNTANT_PORT", "PROMETHEUS_PORT" }
        .ToDictionary(name => name, _ => (string?)FreePort.Next().ToString(CultureInfo.InvariantCulture));

    [Fact]
    public async Task One_command_completes_a_private_run_in_containers_that_can_do_nothing_else_and_that_stop_in_order()
    {
        _ = images.Engine;
        Assert.SkipUnless(File.Exists(Compose), "No docker-compose: apt-get install --no-install-recommends docker-compose.");
        try
        {
            await ComposeAsync(["up", "--detach", "--no-build", "rabbitmq", "first-run", "prometheus", .. Services]);
            _key = await OperatorKeyAsync();
            using var http = ClientOf("ORCHESTRATOR_PORT");
            var run = await FirstRunAsync(http);
            Assert.Equal(("completed", 20), (run.GetProperty("state").GetString(), run.GetProperty("round").GetInt32()));

            foreach (var service in Services)
            {
                await AssertConfinedAsync(service);
            }

            await AssertWatchedAsync();
            await AssertGuardedAsync();
            await ComposeAsync(["stop", .. Services]);
            foreach (var service in Services)
            {
                Assert.Equal("0", await InspectAsync(service, "{{.State.ExitCode}}"));
            }
        }
        finally
        {
            await ComposeAsync(["down", "--volumes", "--timeout", "1"]);
        }
    }

    private Task<string> ComposeAsync(IEnumerable<string> arguments) => images.Engine.RunAsync(
        Compose, ["--project-name", _project, "--file", "compose.yaml", "--file", "tests/Container.Tests/compose.local.yaml", .. arguments], _ports);

    private Task<string> InspectAsync(string service, string format) => images.Engine.DockerAsync("inspect", "--format", format, $"{_project}_{service}_1");

    /// <summary>A client with the operator's key.</summary>
    private HttpClient ClientOf(string port) =>
        ApiKey.Show(new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_ports[port]}/"), Timeout = Product.Patience }, _key);

    private async Task<string> OperatorKeyAsync()
    {
        using var folder = new TemporaryFolder();
        await images.Engine.DockerAsync("cp", $"{_project}_first-run_1:/run/secrets/FLEVENTS_API_KEY", folder.File("operator.key"));
        return await File.ReadAllTextAsync(folder.File("operator.key"));
    }

    /// <summary>Nobody is let in without a key, the broker has the deployment's users and no other, and a further start keeps passwords and keys.</summary>
    private async Task AssertGuardedAsync()
    {
        using var stranger = new HttpClient { Timeout = Product.Patience };
        foreach (var (port, path) in new[] { ("ORCHESTRATOR_PORT", "runs"), ("AGGREGATOR_PORT", "quarantine"), ("ACCOUNTANT_PORT", "ledger/head") })
        {
            using var refused = await stranger.GetAsync(new Uri($"http://127.0.0.1:{_ports[port]}/{path}"));
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        var users = await images.Engine.DockerAsync("exec", $"{_project}_rabbitmq_1", "/usr/lib/rabbitmq/bin/rabbitmqctl", "--quiet", "--no-table-headers", "list_users");
        Assert.Equal(["aggregator", "orchestrator", "pool-client", "privacy-accountant"], users.Split('\n').Select(line => line.Split('\t')[0]).Where(name => name.Length > 0).Order(StringComparer.Ordinal));

        await ComposeAsync(["up", "--detach", "--no-build", "secrets"]);
        Assert.Equal("0", await images.Engine.DockerAsync("wait", $"{_project}_secrets_1"));
        Assert.Equal(_key, await OperatorKeyAsync());
    }

    private static async Task<JsonElement> FirstRunAsync(HttpClient http)
    {
        var api = new RunsApi(http);
        var runId = Guid.Empty;
        await Eventually.HoldsAsync("the deployment has its first run", async () =>
        {
            try
            {
                var runs = await api.GetAsync("runs");
                runId = runs.GetArrayLength() == 0 ? default : runs[0].GetProperty("runId").GetGuid();
            }
            catch (HttpRequestException)
            {
                // The Orchestrator does not listen yet.
            }

            return runId != default;
        });
        return await api.EndAsync(runId);
    }

    private async Task AssertConfinedAsync(string service)
    {
        Assert.Equal("10001:10001 true [ALL] false", await InspectAsync(service, "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}}"));
        var lines = (await images.Engine.DockerAsync("logs", "--timestamps", $"{_project}_{service}_1")).Split('\n');
        var ready = lines.First(line => line.Contains("Application started", StringComparison.Ordinal)).Split(' ')[0];
        var started = await InspectAsync(service, "{{.State.StartedAt}}");
        var seconds = (DateTimeOffset.Parse(ready, CultureInfo.InvariantCulture) - DateTimeOffset.Parse(started, CultureInfo.InvariantCulture)).TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{service} listened {seconds:F1} s after its start."));
    }

    /// <summary>Prometheus reaches every service, has the ledger's newest entry from it, and answers every query of every dashboard.</summary>
    private async Task AssertWatchedAsync()
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_ports["PROMETHEUS_PORT"]}/"), Timeout = Product.Patience };
        using var ledger = ClientOf("ACCOUNTANT_PORT");
        async Task<string[]> ValuesAsync(string query) =>
        [
            .. (await http.GetFromJsonAsync<JsonElement>(new Uri($"api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative)))
                .GetProperty("data").GetProperty("result").EnumerateArray().Select(series => series.GetProperty("value")[1].GetString()!),
        ];
        await Eventually.HoldsAsync("every service answers Prometheus", async () => await ValuesAsync("sum(up)") is ["8"]);
        var head = (await ledger.GetFromJsonAsync<JsonElement>(new Uri("ledger/head", UriKind.Relative))).GetProperty("sequence").GetInt64();
        await Eventually.HoldsAsync(
            "Prometheus has the head of the ledger", async () => (await ValuesAsync("fl_ledger_head_sequence")).SequenceEqual([head.ToString(CultureInfo.InvariantCulture)]));
        List<string> empty = [];
        foreach (var query in Dashboards.All.SelectMany(dashboard => dashboard.Panels).SelectMany(panel => panel.Queries))
        {
            if ((await ValuesAsync(Dashboards.Filled(query))).Length == 0)
            {
                empty.Add(query);
            }
        }

        // A private run does not tell how long its clients train, one that has ended has no deadline, and their budgets refuse every other run.
        Assert.All(empty, query => Assert.Matches("fl_training_duration_seconds|fl_round_deadline_timestamp_seconds", query));
    }
}
