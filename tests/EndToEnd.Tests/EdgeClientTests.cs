using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Standalone.RunFiles;
using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary><c>samples/python-client</c> beside this product's own workers.</summary>
public sealed class EdgeClientTests : IAsyncLifetime
{
    private const string ClientId = "st-mary";
    private const int Workers = 3;
    private const int Rows = 60;

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _late = new(Product.Patience);
    private HttpClient? _http;
    private Federation? _federation;

    private RunsApi Api => new(_http!);

    public async ValueTask InitializeAsync()
    {
        await PythonSample.NeedAsync();
        await PatientsRun.WriteAsync(_folder.File("patients.csv"), Rows * Workers);
        await PatientsRun.WriteAsync(_folder.File("st-mary.csv"), Rows);
        var (file, errors) = RunFileReader.Read(Encoding.UTF8.GetBytes(new JsonObject { ["run"] = Run("none", clients: Workers), ["simulation"] = Simulation() }.ToJsonString()), _folder.Path, [], _ => null);
        Assert.Empty(errors);
        _federation = await Federation.StartAsync(file!, _folder.File("services"), Transport.Memory, "http://127.0.0.1:0", _late.Token);
        _http = new HttpClient { BaseAddress = new Uri(_federation.Url), Timeout = Product.Patience };
    }

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (_federation is not null)
        {
            await _federation.DisposeAsync();
        }

        _late.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_python_client_takes_part_in_private_runs_and_each_of_its_updates_counts_and_is_charged_once()
    {
        await EnrolAsync();
        await using var client = Start("run", "--min-noise", "0.5");
        await AssertTakesPartAsync("example", charges: 2);
        await AssertTakesPartAsync("local", charges: 4);

        await Eventually.HoldsAsync("the client knows how its updates fared", () => client.Output.Count(line => line.EndsWith(": admitted", StringComparison.Ordinal)) == 4);
        Assert.Equal(0, await client.TerminateAsync(Product.Patience));
        Assert.Contains(client.Output, line => line.EndsWith("stopped", StringComparison.Ordinal));
        var (_, status) = await RunAsync("status");
        Assert.Contains("patients: 4 tasks accepted, 4 updates admitted", status, StringComparison.Ordinal);
        Assert.Contains("0 tasks without own noise", status, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_was_killed_after_it_accepted_goes_on_and_is_charged_once()
    {
        await EnrolAsync();
        Guid run;
        await using (var client = Start("run"))
        {
            run = await Api.CreateAsync(Run("local"));
            await client.WaitForLineAsync(line => line.EndsWith(": accepted", StringComparison.Ordinal), Product.Patience);
            await client.KillAsync();
        }

        await using var again = Start("run");
        await AssertEndsAsync(run, charges: 2);
    }

    [Fact]
    public async Task A_task_that_the_owner_does_not_allow_is_refused_and_not_charged()
    {
        await EnrolAsync();
        await using var client = Start("run", "--min-noise", "2");
        var run = await Api.CreateAsync(Run("local"));
        Assert.Equal("completed", (await Api.EndAsync(run)).GetProperty("state").GetString());

        await client.WaitForLineAsync(line => line.Contains("OWNER_POLICY", StringComparison.Ordinal), Product.Patience);
        Assert.All(await UnitsAsync(), unit => Assert.Equal((0, 0), (unit.GetProperty("committed").GetInt64(), unit.GetProperty("spentUnits").GetInt64())));
    }

    [Fact]
    public async Task What_is_not_signed_by_the_client_for_its_task_is_refused_with_the_reason_and_charges_nobody()
    {
        await EnrolAsync();
        await using (var forger = Impostor("forge"))
        {
            // Until it has asked it is not drawn.
            await forger.WaitForLineAsync(line => line.Contains("another client's id", StringComparison.Ordinal), Product.Patience);
            await Eventually.HoldsAsync("the client has asked", async () => (await Api.GetAsync("clients")).EnumerateArray().Any(client =>
                client.GetProperty("clientId").GetString() == ClientId && client.GetProperty("alive").GetBoolean()));
            var run = await Api.CreateAsync(Run("local", rounds: 1));
            await forger.WaitForLineAsync(line => line.Contains("lease token that is not", StringComparison.Ordinal), Product.Patience);
            var head = (await Api.GetAsync("ledger/head")).GetRawText();

            Assert.Equal(0, await forger.WaitForExitAsync(Product.Patience));
            AssertRefused(forger.Output, 401, "signed with its key", "another key", "another client's id");
            AssertRefused(forger.Output, 409, "LEASE_LOST", "a lease that is not");
            AssertRefused(forger.Output, 404, "has no task in round", "another's round");
            AssertRefused(forger.Output, 403, "does not begin from model", "a model of another task");
            AssertRefused(forger.Output, 403, "does not open the upload", "a lease token that is not");
            AssertRefused(forger.Output, 403, "BAD_SIGNATURE", "no signature", "signed by another key", "signed for an old round", "signed for another client", "signed for other noise", "signed for other bytes");
            Assert.Equal("accepted", Told(forger.Output, "state").GetProperty("detail").GetString());

            // The announcement that another key has signed: its book turns it away without an answer to the task.
            await Eventually.HoldsAsync("the forged announcement is turned away", async () => (await _http!.GetStringAsync(new Uri("metrics", UriKind.Relative))).Split('\n').Any(IsForgery));
            Assert.Equal(head, (await Api.GetAsync("ledger/head")).GetRawText());

            await using var owner = Impostor("finish");
            await AssertEndsAsync(run, charges: 1, rounds: 1);
            Assert.Equal(0, await owner.WaitForExitAsync(Product.Patience));
            Assert.Equal(201, Told(owner.Output, "its own update").GetProperty("status").GetInt32());
            AssertRefused(owner.Output, 409, "The task is admitted", "a round that is over");
        }
    }

    private static JsonObject Simulation() => new()
    {
        ["clients"] = Workers,
        ["data"] = new JsonObject { [PatientsRun.DataSet] = new JsonObject { ["kind"] = "csv", ["path"] = "patients.csv" } },
    };

    private static JsonObject Run(string mode, int rounds = 2, int clients = Workers + 1) => PatientsRun.Body(mode, rounds, clients);

    private static bool IsForgery(string line) =>
        line.StartsWith("fl_updates_rejected_total{", StringComparison.Ordinal) && line.Contains("reason=\"BAD_SIGNATURE\"", StringComparison.Ordinal) && line.EndsWith(" 1", StringComparison.Ordinal);

    private static JsonElement Told(IEnumerable<string> lines, string attempt) => lines
        .Where(line => line.StartsWith('{'))
        .Select(line => JsonDocument.Parse(line).RootElement)
        .Single(told => told.GetProperty("attempt").GetString() == attempt);

    private static void AssertRefused(IReadOnlyList<string> lines, int status, string reason, params string[] attempts)
    {
        foreach (var told in attempts.Select(attempt => Told(lines, attempt)))
        {
            Assert.Equal(status, told.GetProperty("status").GetInt32());
            Assert.Contains(reason, told.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }
    }

    /// <summary>Invites the client, lets it come with its key, and lets that in: as an operator does.</summary>
    private async Task EnrolAsync()
    {
        var (_, invited) = await Product.RunAsync("enrolment", "invite", ClientId, "--owner", "st-mary-trust", "--url", _federation!.Url);
        var token = invited.Split('\n').Single(line => line.StartsWith("fli_", StringComparison.Ordinal));
        var (exitCode, enrolled) = await RunAsync("enrol", "--server", _federation.Url, "--token", token, "--data", $"patients={_folder.File("st-mary.csv")}");
        Assert.True(exitCode == 0, enrolled);
        var key = enrolled.Split('\n')[^1].Trim();
        Assert.Equal((0, $"{ClientId} is active."), await Product.RunAsync("enrolment", "approve", ClientId, "--key", key, "--url", _federation.Url));
    }

    private async Task AssertTakesPartAsync(string mode, int charges) => await AssertEndsAsync(await Api.CreateAsync(Run(mode)), charges);

    /// <summary>Waits for a run's end: everybody's update was admitted in every round, and the client was charged so many times in all.</summary>
    private async Task AssertEndsAsync(Guid run, int charges, int rounds = 2)
    {
        var ended = await Api.EndAsync(run);
        Assert.True(ended.GetProperty("state").GetString() == "completed", ended.GetRawText());
        var clients = (await Api.GetAsync($"runs/{run}/clients")).EnumerateArray().ToDictionary(client => client.GetProperty("clientId").GetString()!, client => client.GetProperty("roundsParticipated").GetInt32());
        Assert.Equal(Workers + 1, clients.Count);
        Assert.All(clients, client => Assert.Equal(rounds, client.Value));
        await Eventually.HoldsAsync("the charges are final", async () => (await UnitsAsync()).All(unit => unit.GetProperty("committed").GetInt64() >= charges));
        Assert.All(await UnitsAsync(), unit => Assert.Equal((charges, 0), (unit.GetProperty("committed").GetInt64(), unit.GetProperty("reserved").GetInt64())));
    }

    /// <summary>The client's account, by privacy unit.</summary>
    private async Task<List<JsonElement>> UnitsAsync()
    {
        var ledger = Assert.Single((await Api.GetAsync($"ledger/clients/{ClientId}")).GetProperty("ledgers").EnumerateArray());
        Assert.Equal("st-mary-trust", ledger.GetProperty("ledger").GetProperty("owner").GetString());
        return [.. ledger.GetProperty("units").EnumerateArray()];
    }

    private ChildProcess Start(params IEnumerable<string> arguments) =>
        PythonSample.Start([Path.Combine(PythonSample.Folder, "client.py"), "--state", _folder.File("state"), .. arguments]);

    private ChildProcess Impostor(string part) =>
        PythonSample.Start(Repository.File("tests", "EndToEnd.Tests", "edge_impostor.py"), PythonSample.Folder, _folder.File("state"), _federation!.Url, part);

    private async Task<(int ExitCode, string Output)> RunAsync(params IEnumerable<string> arguments)
    {
        await using var program = Start(arguments);
        var exitCode = await program.WaitForExitAsync(Product.Patience);
        return (exitCode, string.Join('\n', program.Output));
    }
}
