using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Security;

namespace FlEvents.RabbitMq.Tests;

/// <summary>Services that know the broker by its certificate, and each other's APIs by theirs.</summary>
public sealed class BrokerTlsTests(TlsBroker broker) : IClassFixture<TlsBroker>
{
    private readonly string _operator = ApiKey.New();
    private readonly string _worker = ApiKey.New();

    [Fact]
    public async Task A_run_completes_with_TLS_everywhere_and_without_the_authority_nobody_is_believed()
    {
        var (certificate, key) = broker.Authority.Give("services", "127.0.0.1");
        await using var services = new Deployment(broker.Url, "https") { Key = _operator, Handler = broker.Trusting };
        services.Settings[""] = new(broker.Settings)
        {
            ["Kestrel__Certificates__Default__Path"] = certificate,
            ["Kestrel__Certificates__Default__KeyPath"] = key,
            ["Security__ApiKeys__operator__Sha256"] = ApiKey.Hash(_operator),
            ["Security__ApiKeys__operator__Scopes"] = $"{Scopes.RunsRead} {Scopes.RunsWrite}",
            ["Security__ApiKeys__worker__Sha256"] = ApiKey.Hash(_worker),
            ["Security__ApiKeys__worker__Scopes"] = Scopes.BlobsClient,
            ["SSL_CERT_FILE"] = broker.Authority.File,
        };
        services.Settings[Deployment.Orchestrator] = new() { ["Orchestrator__ApiKey"] = _worker };
        services.Settings["worker-1"] = new() { ["ClientWorker__ApiKey"] = _worker };
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();

        Assert.Equal(await InProcess.ModelSha256Async(TinyRun.Read()), await services.ModelSha256Async(await services.CreateAsync(TinyRun.Read())));

        var orchestrator = services.UrlOf(Deployment.Orchestrator);
        Assert.Equal(0, (await StatusAsync(orchestrator, broker.Authority.File)).ExitCode);
        foreach (var authority in new[] { null, broker.Stranger.File })
        {
            var (exitCode, said) = await StatusAsync(orchestrator, authority);
            Assert.Equal(1, exitCode);
            Assert.Contains("certificate is invalid", said, StringComparison.Ordinal);
            Assert.Contains("SSL_CERT_FILE", said, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_broker_of_another_authority_is_not_believed() => await RefusedAsync(
        broker.Url, $"its certificate is of no authority of Bus:Tls:CaFile ({broker.Stranger.File})", ("Bus__Tls__CaFile", broker.Stranger.File));

    [Fact]
    public async Task A_broker_of_a_private_authority_is_not_believed_by_who_does_not_know_that() => await RefusedAsync(
        broker.Url, "its certificate is of no authority of this machine's (Bus:Tls:CaFile is not set)", ("Bus__Tls__CaFile", null));

    [Fact]
    public async Task A_broker_with_another_name_is_not_believed() => await RefusedAsync(
        broker.Url, "its certificate is for 127.0.0.1, not for broker.example.org", ("Bus__Tls__ServerName", "broker.example.org"));

    [Fact]
    public async Task A_broker_whose_certificate_has_expired_is_not_believed()
    {
        await using var impostor = new Impostor(broker.Authority.Give("expired", "127.0.0.1", isExpired: true));

        await RefusedAsync(impostor.Url, "its certificate is good from ");
        Assert.False(impostor.WasBelieved);
    }

    /// <summary>Every other refusal here would hold if nobody were ever believed.</summary>
    [Fact]
    public async Task An_impostor_with_a_certificate_of_the_authority_is_believed()
    {
        await using var impostor = new Impostor(broker.Authority.Give("impostor", "127.0.0.1"));
        await using var services = Orchestrator(impostor.Url);

        await Eventually.HoldsAsync("somebody greets the impostor", () => impostor.WasBelieved);
    }

    [Fact]
    public async Task A_service_that_shows_no_certificate_is_not_let_in() => await RefusedAsync(
        broker.Url, "", ("Bus__Tls__CertificateFile", null), ("Bus__Tls__KeyFile", null));

    [Fact]
    public async Task A_file_that_is_missing_or_no_certificate_ends_the_service_with_a_line_for_each()
    {
        var key = broker.Client.Key;
        await using var services = Orchestrator("amqps://127.0.0.1:5671/", ("Bus__Tls__CaFile", key), ("Bus__Tls__CertificateFile", "/nowhere/tls.crt"));
        var service = services[Deployment.Orchestrator];

        Assert.Equal(2, await service.WaitForExitAsync(Product.Patience));
        Assert.Equal(
            [$"Bus: Tls:CaFile is \"{key}\": it has no certificate in PEM form.", "Bus: Tls:CertificateFile is \"/nowhere/tls.crt\": there is no such file."],
            service.Output);
    }

    private async Task<(int ExitCode, string Output)> StatusAsync(string url, string? authority)
    {
        await using var program = Product.Start(new Dictionary<string, string?> { ["FLEVENTS_API_KEY"] = _operator, ["SSL_CERT_FILE"] = authority }, "status", "--url", url);
        var exitCode = await program.WaitForExitAsync(Product.Patience);
        return (exitCode, string.Join('\n', program.Output));
    }

    private async Task RefusedAsync(string url, string because, params (string Name, string? Value)[] changes)
    {
        await using var services = Orchestrator(url, changes);

        await services[Deployment.Orchestrator].WaitForLineAsync(line => line.Contains($"cannot be reached: {because}", StringComparison.Ordinal), Product.Patience);

        // The watch may have spoken before the server listens.
        await Eventually.HoldsAsync("the service answers", async () => await services.StatusAsync(Deployment.Orchestrator, "alive") == 200);
        Assert.Equal(503, await services.StatusAsync(Deployment.Orchestrator, "health"));
        Assert.DoesNotContain(services[Deployment.Orchestrator].Output, line => line.Contains("Connected to the broker", StringComparison.Ordinal));
    }

    private Deployment Orchestrator(string url, params (string Name, string? Value)[] changes)
    {
        var services = new Deployment(url) { Settings = { [Deployment.Orchestrator] = new(broker.Settings) } };
        foreach (var (name, value) in changes)
        {
            services.Settings[Deployment.Orchestrator][name] = value;
        }

        services.Start(Deployment.Orchestrator);
        return services;
    }
}
