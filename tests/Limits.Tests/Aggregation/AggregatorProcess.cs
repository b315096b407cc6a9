using System.Collections.Concurrent;
using System.Threading.Channels;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.Learning.Models;
using FlEvents.RabbitMq.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Testing;
using MassTransit;

namespace FlEvents.Limits.Tests;

/// <summary>
/// The Aggregator as a process of its own on a virtual host of the broker, and everyone else: the test is its Orchestrator, its PrivacyAccountant and its workers.
/// </summary>
internal sealed class AggregatorProcess : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _url = $"http://127.0.0.1:{FreePort.Next()}";
    private readonly ConcurrentDictionary<Type, Channel<object>> _received = new();
    private readonly ChildProcess _process;
    private readonly IBusControl _bus;

    private AggregatorProcess(VirtualHost host, RunSpec spec, IReadOnlyDictionary<string, string?> settings)
    {
        Spec = spec;
        Model = Model.Create(spec.Model);
        _bus = Bus.Factory.CreateUsingRabbitMq(configure =>
        {
            configure.Durable = true;
            configure.AutoDelete = false;
            configure.Host(new Uri(host.Url));
            configure.ReceiveEndpoint(Routes.PrivacyAccountant, Keep<CommitBudget>);
            configure.ReceiveEndpoint("fl-orchestrator", endpoint =>
            {
                Keep<ModelPublished>(endpoint);
                Keep<UpdateAdmitted>(endpoint);
                Keep<UpdateRejected>(endpoint);
            });
        });
        _process = ChildProcess.Start(
            Product.Dotnet,
            [Path.Combine(AppContext.BaseDirectory, "FlEvents.Aggregator.dll")],
            new Dictionary<string, string?>(settings)
            {
                ["ASPNETCORE_URLS"] = _url,
                ["Bus__RabbitMqUrl"] = host.Url,
                ["Aggregator__DataFolder"] = _folder.Path,
            },
            _folder.Path);
        Http = new HttpClient { BaseAddress = new Uri(_url + "/"), Timeout = Product.Patience };
    }

    public Guid RunId { get; } = Guid.CreateVersion7();

    public RunSpec Spec { get; }

    public Model Model { get; }

    /// <summary>The run's initial model; known once the process is started.</summary>
    public BlobRef BaseModel { get; private set; } = null!;

    public HttpClient Http { get; }

    public Uri Url => new(_url);

    public int ProcessId => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The folder of its database and blobs, on the disk that temporary files are on.</summary>
    public string Folder => _folder.Path;

    /// <summary>Starts the process and creates the run.</summary>
    public static async Task<AggregatorProcess> StartAsync(VirtualHost host, RunSpec spec, params (string Key, string Value)[] settings)
    {
        var aggregator = new AggregatorProcess(host, spec, settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value));
        await aggregator._bus.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync("the Aggregator is healthy", aggregator.IsHealthyAsync);
        await aggregator.SendAsync(new CreateModel { RunId = aggregator.RunId, Run = spec });
        aggregator.BaseModel = (await aggregator.NextAsync<ModelPublished>()).Model;
        return aggregator;
    }

    public Guid RoundId(int round = 1) => ReservationId.OfRound(RunId, round);

    public Guid Reservation(string client, int round = 1) => ReservationId.Of(RunId, round, client, attempt: 1);

    public static string Token(string client) => LeaseToken.Of(1, Product.Sha256(System.Text.Encoding.UTF8.GetBytes(client))[..32]);

    /// <summary>Opens a round for clients, page by page, and waits until its book has them all.</summary>
    public async Task OpenAsync(IReadOnlyList<string> clients, int examples = 1_000_000, int round = 1)
    {
        foreach (var page in clients.Chunk(Page.LargestSize))
        {
            await SendAsync(new OpenRound
            {
                RunId = RunId,
                RoundId = RoundId(round),
                Round = round,
                BaseModel = BaseModel,
                CohortSize = clients.Count,
                Members = [.. page.Select(client => new RoundMember
                {
                    ClientId = client,
                    ReservationId = Reservation(client, round),
                    Attempt = 1,
                    LeaseNumber = 1,
                    LeaseTokenSha256 = Product.Sha256(System.Text.Encoding.ASCII.GetBytes(Token(client))),
                    ExampleCount = examples,
                })],
            });
        }

        await Eventually.HoldsAsync("the round is open", async () => await AskAsync(clients[^1], round) != 503);
    }

    /// <summary>The status with which the service says how much of a client's update it has.</summary>
    public async Task<int> AskAsync(string client, int round = 1)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, $"updates/{Reservation(client, round)}");
        request.Headers.Add("Lease-Token", Token(client));
        using var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return (int)answer.StatusCode;
    }

    /// <summary>Uploads an update to an open round.</summary>
    public async Task UploadAsync(string client, byte[] bytes, int round = 1)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"updates/{Reservation(client, round)}") { Content = new ByteArrayContent(bytes) };
        request.Headers.Add("Lease-Token", Token(client));
        using var answer = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True((int)answer.StatusCode == 201, $"{client}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
    }

    /// <summary>What announces an update that was uploaded.</summary>
    public UpdateSubmitted Submission(string client, byte[] bytes, int examples, int round = 1) => new()
    {
        RunId = RunId,
        RoundId = RoundId(round),
        Round = round,
        ClientId = client,
        ReservationId = Reservation(client, round),
        Attempt = 1,
        LeaseNumber = 1,
        LeaseToken = Token(client),
        BaseModelSha256 = BaseModel.Sha256,
        Update = new BlobRef { Sha256 = Product.Sha256(bytes), SizeBytes = bytes.Length },
        ExampleCount = examples,
        TrainingLoss = 0.5,
        TrainingSeconds = 1,
    };

    public Task PublishAsync(UpdateSubmitted message) => _bus.Publish(message, TestContext.Current.CancellationToken);

    /// <summary>Closes a round, says that its charges are final, and downloads the model that comes of it.</summary>
    public async Task<byte[]> AggregateAsync(int minimumReports, int round = 1)
    {
        await SendAsync(new AggregateRound { RunId = RunId, RoundId = RoundId(round), Round = round, MinimumReports = minimumReports });
        var commit = await NextAsync<CommitBudget>();
        await SendAsync(new BudgetCommitted
        {
            RunId = RunId,
            RoundId = RoundId(round),
            Round = round,
            Committed = minimumReports,
            ModelSha256 = commit.ModelSha256,
            Receipt = new LedgerReceipt { Sequence = 1, Hash = new string('0', 64) },
        });
        var published = await NextAsync<ModelPublished>();
        return await Http.GetByteArrayAsync(new Uri($"models/{published.Model.Sha256}", UriKind.Relative), TestContext.Current.CancellationToken);
    }

    /// <summary>The next message of this type that the Aggregator sent.</summary>
    public async Task<T> NextAsync<T>()
        where T : class
    {
        using var late = new CancellationTokenSource(Product.Patience);
        return (T)await Of<T>().Reader.ReadAsync(late.Token);
    }

    public async Task SendAsync<T>(T message)
        where T : class
    {
        var endpoint = await _bus.GetSendEndpoint(new Uri($"exchange:{Routes.Aggregator}"));
        await endpoint.Send(message, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _bus.StopAsync(CancellationToken.None);
        await _process.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<bool> IsHealthyAsync()
    {
        Assert.False(HasExited, string.Join('\n', _process.Output));
        try
        {
            using var answer = await Http.GetAsync(new Uri("health", UriKind.Relative), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void Keep<T>(IReceiveEndpointConfigurator endpoint)
        where T : class
    {
        if (endpoint is IRabbitMqReceiveEndpointConfigurator rabbit)
        {
            rabbit.SetQuorumQueue();
        }

        endpoint.Handler<T>(context => Of<T>().Writer.WriteAsync(context.Message).AsTask());
    }

    private Channel<object> Of<T>() => _received.GetOrAdd(typeof(T), _ => Channel.CreateUnbounded<object>());
}
