using System.Diagnostics;
using System.Globalization;
using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.Container.Tests;

/// <summary>Every image by <c>docker run</c> on the machine's own network: one after the other becomes ready, and together they complete a run.</summary>
public sealed class RunTests(Images images, ITestOutputHelper output)
{
    private static readonly string[] Confined = ["--read-only", "--user", "10001", "--cap-drop", "ALL", "--tmpfs", "/tmp", "--tmpfs", "/data:uid=10001"];
    private static readonly string[] OnThisMachine = [.. Confined, "--network", "host"];

    private readonly List<string> _names = [];

    [Fact]
    public async Task Every_image_becomes_ready_with_the_least_rights_and_together_they_complete_a_run_that_the_command_line_s_image_asks_for()
    {
        _ = images.Engine;
        await using var broker = new RabbitMqBroker();
        await broker.InitializeAsync();
        var orchestrator = $"http://127.0.0.1:{FreePort.Next()}";
        var aggregator = $"http://127.0.0.1:{FreePort.Next()}";
        try
        {
            await StartAsync(broker, "Orchestrator", orchestrator, ("Orchestrator__AggregatorUrl", $"{aggregator}/"));
            await StartAsync(broker, "Aggregator", aggregator, Digits("Aggregator", "digits-test", count: 1000, seed: 2));
            await StartAsync(broker, "PrivacyAccountant", $"http://127.0.0.1:{FreePort.Next()}");
            await StartAsync(broker, "ClientWorker", $"http://127.0.0.1:{FreePort.Next()}", [
                ("ClientWorker__Pool", "client"), ("ClientWorker__Clients", "10"), ("ClientWorker__AggregatorUrl", $"{aggregator}/"),
                .. Digits("ClientWorker", "digits", count: 6000, seed: 1),
            ]);

            var said = await images.Engine.DockerAsync(
                ["run", "--rm", .. OnThisMachine, "--volume", $"{Repository.File("samples")}:/samples:ro", Images.Tags["Standalone"], "submit", "/samples/digits.json", "--url", orchestrator]);
            using var http = new HttpClient { BaseAddress = new Uri(orchestrator), Timeout = Product.Patience };
            var api = new RunsApi(http);
            var runId = (await api.GetAsync("runs"))[0].GetProperty("runId").GetGuid();
            Assert.Contains(runId.ToString(), said, StringComparison.Ordinal);
            Assert.Equal("completed", (await api.EndAsync(runId)).GetProperty("state").GetString());
        }
        finally
        {
            foreach (var name in _names)
            {
                await images.Engine.DockerAsync("rm", "--force", name);
            }
        }
    }

    [Fact]
    public async Task The_command_line_s_image_completes_a_run_by_itself()
    {
        var since = Stopwatch.GetTimestamp();
        var said = await images.Engine.DockerAsync(
        [
            "run", "--rm", .. Confined, "--network", "none", "--workdir", "/data", "--volume", $"{Repository.File("samples")}:/samples:ro", Images.Tags["Standalone"], "run", "/samples/digits.json",
        ]);
        Assert.Contains("completed", said, StringComparison.OrdinalIgnoreCase);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"flevents run samples/digits.json took {Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s."));
    }

    private async Task StartAsync(RabbitMqBroker broker, string service, string url, params (string Name, string Value)[] settings)
    {
        var name = $"flevents-{Guid.NewGuid():N}";
        _names.Add(name);
        var since = Stopwatch.GetTimestamp();
        await images.Engine.DockerAsync(
        [
            "run", "--detach", "--name", name, .. OnThisMachine, "--env", $"ASPNETCORE_URLS={url}", "--env", $"Bus__RabbitMqUrl={broker.Uri}",
            .. settings.SelectMany(setting => new[] { "--env", $"{setting.Name}={setting.Value}" }), Images.Tags[service],
        ]);
        using var http = new HttpClient { Timeout = Product.Patience };
        await Eventually.HoldsAsync($"{service} is healthy", async () =>
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"{url}/health"));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{service} was ready {Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s after docker run."));
    }

    private static (string Name, string Value)[] Digits(string section, string dataSet, int count, int seed) =>
    [
        ($"{section}__DataSets__{dataSet}__Kind", "digits"),
        ($"{section}__DataSets__{dataSet}__Count", count.ToString(CultureInfo.InvariantCulture)),
        ($"{section}__DataSets__{dataSet}__Seed", seed.ToString(CultureInfo.InvariantCulture)),
    ];
}
