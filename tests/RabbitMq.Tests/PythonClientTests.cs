using System.Net.Http.Json;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary><c>samples/python-client</c> over HTTPS to services that speak to each other over a real broker, TLS everywhere.</summary>
public sealed class PythonClientTests(TlsBroker broker) : IClassFixture<TlsBroker>
{
    private const string ClientId = "st-mary";
    private const int Workers = 2;
    private const int Rows = 60;
    private const int Rounds = 2;

    private readonly string _operator = ApiKey.New();
    private readonly string _worker = ApiKey.New();

    [Fact]
    public async Task The_python_client_enrols_over_HTTPS_and_its_updates_count_and_are_charged_once_beside_those_of_workers()
    {
        await PythonSample.NeedAsync();
        using var folder = new TemporaryFolder();
        await PatientsRun.WriteAsync(folder.File("workers.csv"), Rows * Workers);
        await PatientsRun.WriteAsync(folder.File("st-mary.csv"), Rows);
        await using var services = Deploy(folder);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        await EnrolAsync(services.UrlOf(Deployment.Orchestrator), folder);
        await using var client = Start(folder, "run", "--max-rounds", $"{2 * Rounds}", "--min-noise", "1");

        foreach (var (mode, charges) in new[] { ("local", Rounds), ("example", 2 * Rounds) })
        {
            var run = await services.Api.CreateAsync(PatientsRun.Body(mode, Rounds, Workers + 1));
            var ended = await services.Api.EndAsync(run);
            Assert.True(ended.GetProperty("state").GetString() == "completed", ended.GetRawText());
            var clients = (await services.Api.GetAsync($"runs/{run}/clients")).EnumerateArray().ToDictionary(one => one.GetProperty("clientId").GetString()!, one => one.GetProperty("roundsParticipated").GetInt32());
            Assert.Equal(Workers + 1, clients.Count);
            Assert.All(clients, one => Assert.Equal(Rounds, one.Value));
            await AssertChargedAsync(services.UrlOf(Deployment.Accountant), charges);
        }

        await Eventually.HoldsAsync("the client knows how its updates fared", () => client.Output.Count(line => line.EndsWith(": admitted", StringComparison.Ordinal)) == 2 * Rounds);
        Assert.Equal(0, await client.TerminateAsync(Product.Patience));
        var (_, status) = await RunAsync(Start(folder, "status"));
        Assert.Contains($"patients: {2 * Rounds} tasks accepted, {2 * Rounds} updates admitted", status, StringComparison.Ordinal);
    }

    private Deployment Deploy(TemporaryFolder folder)
    {
        var (certificate, key) = broker.Authority.Give("services", "127.0.0.1");
        var services = new Deployment(broker.Url, "https") { Key = _operator, Handler = broker.Trusting };
        services.Settings[""] = new(broker.Settings)
        {
            ["Kestrel__Certificates__Default__Path"] = certificate,
            ["Kestrel__Certificates__Default__KeyPath"] = key,
            ["Security__ApiKeys__operator__Sha256"] = ApiKey.Hash(_operator),
            ["Security__ApiKeys__operator__Scopes"] = $"{Scopes.RunsRead} {Scopes.RunsWrite} {Scopes.LedgerRead}",
            ["Security__ApiKeys__worker__Sha256"] = ApiKey.Hash(_worker),
            ["Security__ApiKeys__worker__Scopes"] = Scopes.BlobsClient,
            ["SSL_CERT_FILE"] = broker.Authority.File,
        };
        services.Settings[Deployment.Orchestrator] = new() { ["Orchestrator__ApiKey"] = _worker, ["Orchestrator__BlobsUrl"] = $"{services.UrlOf(Deployment.Aggregator)}/" };
        services.Settings["worker-1"] = new()
        {
            ["ClientWorker__ApiKey"] = _worker,
            ["ClientWorker__Clients"] = $"{Workers}",
            ["ClientWorker__DataSets__patients__Kind"] = "csv",
            ["ClientWorker__DataSets__patients__Path"] = folder.File("workers.csv"),
        };
        return services;
    }

    /// <summary>Invites the client, which believes only a server of the authority that it was told of, and lets its key in.</summary>
    private async Task EnrolAsync(string url, TemporaryFolder folder)
    {
        var (_, invited) = await CallAsync("enrolment", "invite", ClientId, "--owner", "st-mary-trust", "--url", url);
        var token = invited.Split('\n').Single(line => line.StartsWith("fli_", StringComparison.Ordinal));
        foreach (var authority in new[] { null, broker.Stranger.File })
        {
            var (exitCode, said) = await RunAsync(Enrol(authority));
            Assert.Equal(1, exitCode);
            Assert.Equal($"Unreachable: 127.0.0.1 is not believed: unable to get local issuer certificate; expected a certificate for it of {authority ?? "this machine's authorities"}.", said);
        }

        Assert.DoesNotContain("waiting", (await CallAsync("enrolment", "list", "--url", url)).Output, StringComparison.Ordinal);
        var enrolled = await RunAsync(Enrol(broker.Authority.File));
        Assert.True(enrolled.ExitCode == 0, enrolled.Output);
        Assert.Equal((0, $"{ClientId} is active."), await CallAsync("enrolment", "approve", ClientId, "--key", enrolled.Output.Split('\n')[^1], "--url", url));

        ChildProcess Enrol(string? authority) => Start(
            folder, ["enrol", "--server", url, "--token", token, "--data", $"patients={folder.File("st-mary.csv")}", .. authority is null ? (string[])[] : ["--ca-file", authority]]);
    }

    /// <summary>The client's account has so many final charges in each unit, and none that is open.</summary>
    private async Task AssertChargedAsync(string accountant, int charges)
    {
        using var http = ApiKey.Show(new HttpClient(broker.Trusting()) { BaseAddress = new Uri(accountant), Timeout = Product.Patience }, _operator);
        await Eventually.HoldsAsync("the charges are final", async () => (await UnitsAsync()).All(unit => unit.GetProperty("reserved").GetInt64() == 0));
        Assert.All(await UnitsAsync(), unit => Assert.Equal(charges, unit.GetProperty("committed").GetInt64()));

        async Task<List<JsonElement>> UnitsAsync()
        {
            var account = await http.GetFromJsonAsync<JsonElement>(new Uri($"ledger/clients/{ClientId}", UriKind.Relative));
            return [.. Assert.Single(account.GetProperty("ledgers").EnumerateArray()).GetProperty("units").EnumerateArray()];
        }
    }

    private Task<(int ExitCode, string Output)> CallAsync(params IEnumerable<string> arguments) =>
        RunAsync(Product.Start(new Dictionary<string, string?> { ["FLEVENTS_API_KEY"] = _operator, ["SSL_CERT_FILE"] = broker.Authority.File }, arguments));

    private static ChildProcess Start(TemporaryFolder folder, params IEnumerable<string> arguments) =>
        PythonSample.Start([Path.Combine(PythonSample.Folder, "client.py"), "--state", folder.File("state"), .. arguments]);

    private static async Task<(int ExitCode, string Output)> RunAsync(ChildProcess started)
    {
        await using var program = started;
        var exitCode = await program.WaitForExitAsync(Product.Patience);
        return (exitCode, string.Join('\n', program.Output));
    }
}
