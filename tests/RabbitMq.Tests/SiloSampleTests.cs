using System.Globalization;
using System.Text.RegularExpressions;
using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary><c>samples/silos/run.sh</c> as a reader starts it.</summary>
public sealed partial class SiloSampleTests(RabbitMqBroker broker)
{
    private static readonly string Script = Repository.File("samples", "silos", "run.sh");

    [Fact]
    public async Task Three_silos_train_a_model_and_nothing_is_left_running()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        using var folder = new TemporaryFolder();
        var port = FreePort.Next();
        await using var sample = Start(folder, port, host.Url);

        Assert.Equal(0, await sample.WaitForExitAsync(Product.Patience));
        var scores = await sample.WaitForLineAsync(line => line.StartsWith("Accuracy", StringComparison.Ordinal), Product.Patience);
        Assert.True(double.Parse(Auc().Match(scores).Groups[1].Value, CultureInfo.InvariantCulture) > 0.7, scores);
        Assert.Contains($"SHA-256   {Product.ModelSha256(folder.Path)}", sample.Output);
        Assert.Equal(
            ["aggregator.log", "hillcrest.log", "orchestrator.log", "privacy-accountant.log", "riverside.log", "st-anna.log"],
            Directory.GetFiles(folder.File("logs")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        await AssertSilentAsync(port);
    }

    [Fact]
    public async Task The_sample_brings_its_own_broker_and_stops_everything_when_it_is_interrupted()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1", "Starts another broker: set FLEVENTS_FULL=1, or ./test.sh --full.");
        Assert.SkipUnless(RabbitMqProcess.IsInstalled, "No RabbitMQ: install Debian's (apt-get install --no-install-recommends rabbitmq-server).");
        using var folder = new TemporaryFolder();
        var port = FreePort.Next();
        await using var sample = Start(folder, port, rabbitMqUrl: null);

        await sample.WaitForLineAsync(line => line.Contains("Accuracy", StringComparison.Ordinal), Product.Patience);
        sample.Signal(Signal.Interrupt);

        Assert.Equal(130, await sample.WaitForExitAsync(Product.Patience));
        await AssertSilentAsync(port);
        await AssertSilentAsync(port + 10);
    }

    private static ChildProcess Start(TemporaryFolder folder, int port, string? rabbitMqUrl) => ChildProcess.Start(
        "/bin/bash",
        [Script, folder.Path],
        new Dictionary<string, string?> { ["BASE_PORT"] = $"{port}", ["RABBITMQ_URL"] = rabbitMqUrl, ["FLEVENTS_BIN"] = AppContext.BaseDirectory });

    private static async Task AssertSilentAsync(int port)
    {
        using var http = new HttpClient();
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync(new Uri($"http://127.0.0.1:{port}/alive")));
    }

    [GeneratedRegex(@"AUC (\d\.\d+)")]
    private static partial Regex Auc();
}
