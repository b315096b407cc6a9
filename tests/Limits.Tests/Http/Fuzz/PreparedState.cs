using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Contracts;
using FlEvents.Contracts.Tests;
using FlEvents.EndToEnd.Tests;
using FlEvents.Limits.Tests.Messages;
using FlEvents.Orchestrator.Edge;
using FlEvents.Orchestrator.Tests.Edge;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Standalone.Hosting;
using FlEvents.Testing;
using MassTransit;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FlEvents.Limits.Tests.Http;

/// <summary>
/// What the four services keep after some work, with everything in it that a request can be about: runs in several states, a model, charges, open tasks and uploads,
/// clients at each step of their enrolment, quarantined messages.
/// </summary>
internal sealed class PreparedState : IDisposable
{
    /// <summary>An enrolled client with open tasks.</summary>
    public const string Edge = "anna";

    /// <summary>A client whose key waits for approval.</summary>
    public const string Waiting = "carla";

    private const string EdgeData = "cases";
    private const int Tasks = 6;
    private const int Uploads = 8;
    private const int Quarantined = 12;

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new() { Timeout = Product.Patience };
    private readonly Dictionary<string, EdgeClient> _clients = [];

    /// <summary>Folder with one of each service.</summary>
    public string Folder => _folder.File("state");

    /// <summary>A run that is over, one that is paused and one that waits for its clients.</summary>
    public List<Guid> Runs { get; } = [];

    /// <summary>Rounds in which <see cref="Edge"/> has a task.</summary>
    public List<Guid> Rounds { get; } = [];

    /// <summary>Tasks whose updates the Aggregator waits for, with their lease tokens.</summary>
    public List<(Guid ReservationId, string Token)> Leases { get; } = [];

    public string ModelSha256 { get; private set; } = "";

    /// <summary>Clients that an operator may decide about; those who wait are let wait.</summary>
    public List<string> Clients { get; } = ["dora", "emil", "gina"];

    /// <summary>Name of the key that waits for approval.</summary>
    public string WaitingKeySha256 => _clients[Waiting].KeySha256;

    /// <summary>Enrols berta, who is invited.</summary>
    public EnrolmentRequest Enrolment { get; private set; } = null!;

    /// <summary>A token of <see cref="Edge"/>'s, good for five minutes.</summary>
    public string EdgeToken() => _clients[Edge].Token();

    /// <summary>A token of hers that is over, or of somebody else's key.</summary>
    public string WrongEdgeToken(bool isOver) => isOver ? _clients[Edge].Token(fromSeconds: -1000) : _clients["emil"].Token(subject: Edge, issuer: Edge);

    public static async Task<PreparedState> CreateAsync()
    {
        var prepared = new PreparedState();
        var services = new Services();
        await using var federation = await Federation.StartAsync(
            TinyRun.Read(), prepared.Folder, Transport.Memory, "http://127.0.0.1:0", TestContext.Current.CancellationToken, collection => collection.AddSingleton<IHostedService>(services.Take));
        prepared._http.BaseAddress = new Uri(federation.Url);
        await Eventually.HoldsAsync("the clients are enrolled", async () => (await prepared.Api.GetAsync("clients")).GetArrayLength() == TinyRun.Clients);
        prepared.Clients.AddRange((await prepared.Api.GetAsync("clients")).EnumerateArray().Select(client => client.GetProperty("clientId").GetString()!));
        await prepared.RunAsync();
        await prepared.EnrolAsync();
        await prepared.OpenTasksAsync();
        await prepared.OpenUploadsAsync(services.Bus);
        await prepared.QuarantineAsync(services.Bus);
        return prepared;
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
        {
            client.Dispose();
        }

        _http.Dispose();
        _folder.Dispose();
    }

    private RunsApi Api => new(_http);

    /// <summary>One run to its end, with charges; two that wait for more clients than there are, one of them paused.</summary>
    private async Task RunAsync()
    {
        var run = Spec("rounds=2", "privacy.mode=local", "privacy.local.clipNorm=1", "privacy.local.noiseMultiplier=1", "training.validationFraction=0", "evaluation.federated=false");
        Runs.Add(await Api.CreateAsync(run));
        var ended = await Api.EndAsync(Runs[0]);
        Assert.Equal("completed", ended.GetProperty("state").GetString());
        ModelSha256 = ended.GetProperty("model").GetProperty("sha256").GetString()!;
        run["selection"]!["minimumClients"] = 100;
        Runs.Add(await Api.CreateAsync(run));
        Runs.Add(await Api.CreateAsync(run));
        await Api.PostAsync(Runs[1], "pause");
    }

    private async Task EnrolAsync()
    {
        foreach (var client in new[] { Edge, "berta", Waiting, "dora", "emil" })
        {
            _clients[client] = new EdgeClient(_http, client);
        }

        await JoinAsync(Edge, EdgeData);
        await JoinAsync("dora", "digits");
        await JoinAsync("emil", "digits");
        Enrolment = _clients["berta"].Request(await InviteAsync("berta"));
        await PostAsync("edge/enrolment", _clients[Waiting].Request(await InviteAsync(Waiting)));
        await PostAsync("enrolments/dora/suspend", new { });
    }

    private async Task JoinAsync(string clientId, string dataSet)
    {
        await PostAsync("edge/enrolment", _clients[clientId].Request(await InviteAsync(clientId), dataSet: dataSet));
        await PostAsync($"enrolments/{clientId}/approve", new { keySha256 = _clients[clientId].KeySha256 });
    }

    private async Task<string> InviteAsync(string clientId) => (await PostAsync("enrolments", new { clientId, owner = "north" })).GetProperty("token").GetString()!;

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await _http.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
        return await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }

    /// <summary>Runs over data that the enrolled client alone holds: it has a task of each, and has accepted every second one.</summary>
    private async Task OpenTasksAsync()
    {
        var run = Spec("selection.deadlineSeconds=2000000", "selection.leaseSeconds=86400", "training.validationFraction=0", "evaluation.federated=false", "selection.minimumClients=1", "selection.minimumReports=1");
        run["data"]!["dataSet"] = EdgeData;
        for (var i = 0; i < Tasks; i++)
        {
            await Api.CreateAsync(run);
        }

        await Eventually.HoldsAsync("there are tasks", async () => (await _clients[Edge].TasksAsync()).Tasks.Count == Tasks);
        foreach (var (task, i) in (await _clients[Edge].TasksAsync()).Tasks.Select((task, i) => (task.Task, i)))
        {
            Rounds.Add(task.RoundId);
            if (i % 2 == 0)
            {
                using var accepted = await _clients[Edge].AskAsync($"edge/tasks/{task.RoundId}/accept", new { task.LeaseNumber });
                Assert.Equal(200, (int)accepted.StatusCode);
            }
        }
    }

    /// <summary>A round's book that waits for updates of clients that have no key.</summary>
    private async Task OpenUploadsAsync(IBus bus)
    {
        const int Round = 1000;
        var runId = (await _clients[Edge].TasksAsync()).Tasks[0].Task.RunId;
        var model = (await Api.GetAsync($"runs/{runId}")).GetProperty("model").Deserialize<BlobRef>(JsonSerializerOptions.Web)!;
        var clients = Enumerable.Range(0, Uploads).Select(i => $"sender-{i}").ToList();
        Leases.AddRange(clients.Select(client => (ReservationId.Of(runId, Round, client, attempt: 1), LeaseToken.Of(1, Product.Sha256(Encoding.UTF8.GetBytes(client))[..32]))));
        var endpoint = await bus.GetSendEndpoint(new Uri($"exchange:{Routes.Aggregator}"));
        await endpoint.Send(
            new OpenRound
            {
                RunId = runId,
                RoundId = ReservationId.OfRound(runId, Round),
                Round = Round,
                BaseModel = model,
                CohortSize = Uploads,
                Members = [.. clients.Zip(Leases, (client, lease) => new RoundMember
                {
                    ClientId = client,
                    ReservationId = lease.ReservationId,
                    Attempt = 1,
                    LeaseNumber = 1,
                    LeaseTokenSha256 = Product.Sha256(Encoding.ASCII.GetBytes(lease.Token)),
                    ExampleCount = 100,
                })],
            },
            context => context.MessageId = Guid.NewGuid(),
            TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync("the book is open", () => Count("aggregator", $"select count(*) from book where round = {Round}") == 1);
    }

    private async Task QuarantineAsync(IBus bus)
    {
        (string Queue, string Database)[] services =
            [(Routes.Orchestrator, "orchestrator"), (Routes.Aggregator, "aggregator"), (Routes.PrivacyAccountant, "ledger"), (FuzzedFederation.WorkerQueue, "client-worker")];
        foreach (var (queue, database) in services)
        {
            var endpoint = await bus.GetSendEndpoint(new Uri($"exchange:{queue}"));
            for (var i = 0; i < Quarantined; i++)
            {
                await endpoint.Send(new Envelope(), context => (context.MessageId, context.Serializer) = (Guid.NewGuid(), new Verbatim(Unexpected(database))), TestContext.Current.CancellationToken);
            }

            await Eventually.HoldsAsync($"messages of {database} are put aside", () => Count(database, "select count(*) from quarantine") == Quarantined);
        }
    }

    /// <summary>A good message of a kind that the service does not take.</summary>
    private static byte[] Unexpected(string database)
    {
        var type = database == "client-worker" ? typeof(RunCompleted) : typeof(TrainClient);
        return JsonSerializer.SerializeToUtf8Bytes(new
        {
            messageId = Guid.NewGuid(),
            messageType = new[] { $"urn:message:FlEvents.Contracts:{type.Name}" },
            message = JsonSerializer.SerializeToNode(Sample.Of(type), type, JsonSerializerOptions.Web),
        });
    }

    private long Count(string database, string sql)
    {
        var path = Directory.EnumerateFiles(Folder, $"{database}.db", SearchOption.AllDirectories).Single();
        using var connection = new SqliteConnection($"Data Source={path};Mode=ReadOnly;Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static JsonObject Spec(params string[] changes) => JsonSerializer.SerializeToNode(TinyRun.Read(changes).Run, JsonSerializerOptions.Web)!.AsObject();

    /// <summary>Lets the test have the host's bus.</summary>
    private sealed class Services : BackgroundService
    {
        public IBus Bus { get; private set; } = null!;

        public Services Take(IServiceProvider provider)
        {
            Bus = provider.GetRequiredService<IBus>();
            return this;
        }

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.CompletedTask;
    }
}
