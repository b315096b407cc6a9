using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using FlEvents.Standalone.Hosting;
using FlEvents.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FlEvents.Console.Tests;

/// <summary>The four services in this process with their console, four clients without a budget, and the keys of three people.</summary>
public sealed class ConsoleServer : IAsyncLifetime
{
    /// <summary>May do all that the console does.</summary>
    public static readonly string Operator = ApiKey.New();

    /// <summary>May look at runs, and at nothing of the ledger.</summary>
    public static readonly string Reader = ApiKey.New();

    /// <summary>May look at the ledger alone.</summary>
    public static readonly string Auditor = ApiKey.New();

    private readonly TemporaryFolder _folder = new();
    private Federation? _federation;

    /// <summary>Requests with the operator's key.</summary>
    public HttpClient Http { get; } = new() { Timeout = Product.Patience };

    public RunsApi Api => new(Http);

    public Uri Url => Http.BaseAddress!;

    public async ValueTask InitializeAsync()
    {
        _federation = await StartAsync(_folder.Path, Keys);
        Http.BaseAddress = new Uri(_federation.Url);
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Operator);
        await EnrolledAsync(Http);
    }

    /// <summary>Starts a federation with the console.</summary>
    /// <param name="secure">Whom it knows; null for an open one.</param>
    /// <param name="changes">Of the run file that it simulates, as for <c>--set</c>.</param>
    public static Task<Federation> StartAsync(string folder, Action<SecurityOptions>? secure, params string[] changes) => Federation.StartAsync(
        TinyRun.Read(changes),
        folder,
        Transport.Memory,
        "http://127.0.0.1:0",
        TestContext.Current.CancellationToken,
        services => services.Configure(secure ?? (_ => { })));

    /// <summary>Returns once all clients are there.</summary>
    public static Task EnrolledAsync(HttpClient http) => Eventually.HoldsAsync(
        "all clients are there",
        async () => JsonDocument.Parse(await http.GetStringAsync(new Uri("clients", UriKind.Relative))).RootElement.EnumerateArray().Count(client => client.GetProperty("alive").GetBoolean()) == TinyRun.Clients);

    /// <summary>Creates a run.</summary>
    /// <param name="change">Changes the body of the request.</param>
    public Task<Guid> CreateAsync(Action<JsonObject>? change = null)
    {
        var body = TinyRun.Body();
        change?.Invoke(body);
        return Api.CreateAsync(body);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_federation is not null)
        {
            await _federation.DisposeAsync();
        }

        _folder.Dispose();
    }

    /// <summary>Makes a run private.</summary>
    public static void WithPrivacy(JsonObject body)
    {
        body["privacy"] = JsonNode.Parse("""{ "mode": "example", "example": { "clipNorm": 1, "noiseMultiplier": 1.1 } }""");
        body["training"]!["validationFraction"] = 0;
        body["evaluation"]!["federated"] = false;
    }

    private static void Keys(SecurityOptions security)
    {
        security.ApiKeys["operator"] = new() { Sha256 = ApiKey.Hash(Operator), Scopes = "runs:read runs:write ledger:read ledger:admin" };
        security.ApiKeys["reader"] = new() { Sha256 = ApiKey.Hash(Reader), Scopes = "runs:read" };
        security.ApiKeys["auditor"] = new() { Sha256 = ApiKey.Hash(Auditor), Scopes = "ledger:read" };
    }
}
