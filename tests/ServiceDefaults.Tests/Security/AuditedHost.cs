using System.Diagnostics.Metrics;
using System.Net;
using FlEvents.ServiceDefaults.Hosting;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.ServiceDefaults.Security;
using FlEvents.ServiceDefaults.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FlEvents.ServiceDefaults.Tests.Security;

/// <summary>A thing that callers change.</summary>
public record Thing
{
    public required string Secret { get; init; }
}

/// <summary>A service with a database, endpoints that are audited, and three callers: a reader, a writer and an administrator.</summary>
internal sealed class AuditedHost : IAsyncDisposable
{
    public const string Reader = "fle_reader";
    public const string Writer = "fle_writer";
    public const string Admin = "fle_admin";
    public static readonly DateTimeOffset Noon = new(2025, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly WebApplication _app;

    private AuditedHost(WebApplication app) => _app = app;

    public Database Database => _app.Services.GetRequiredService<NoteDatabase>();

    /// <summary>Things as the endpoint has seen them, each with the rows that were in the log then.</summary>
    public List<(Thing Thing, IReadOnlyList<AuditRow> Rows)> Seen { get; } = [];

    /// <summary>Set when a request waits for its caller to go away.</summary>
    public TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AccessMetrics Metrics => _app.Services.GetRequiredService<AccessMetrics>();

    public IReadOnlyList<AuditRow> Rows => Database.Read(transaction => AuditStore.Page(transaction, 0, 1000));

    public static Dictionary<string, string?> Keys() => new()
    {
        ["Security:ApiKeys:reader:Sha256"] = ApiKey.Hash(Reader),
        ["Security:ApiKeys:reader:Scopes"] = "runs:read blobs:client",
        ["Security:ApiKeys:writer:Sha256"] = ApiKey.Hash(Writer),
        ["Security:ApiKeys:writer:Scopes"] = "runs:write",
        ["Security:ApiKeys:admin:Sha256"] = ApiKey.Hash(Admin),
        ["Security:ApiKeys:admin:Scopes"] = "ledger:admin",
    };

    public static async Task<AuditedHost> StartAsync(string path, Dictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(settings ?? Keys()) { ["Bus:Transport"] = "Memory" });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<TimeProvider, AlwaysNoon>();
        builder.AddServiceDefaults();
        builder.Services.AddServiceDatabase<NoteDatabase>(_ => TestDatabase.Settings(path));
        builder.AddBus(_ => { });
        var host = new AuditedHost(builder.Build());
        host.Map();
        await host._app.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    public async Task<HttpResponseMessage> AskAsync(string? key, HttpMethod method, string path, string? json = null, CancellationToken cancellationToken = default)
    {
        using var http = ApiKey.Show(new HttpClient { BaseAddress = new Uri(_app.Urls.First()) }, key);
        using var request = new HttpRequestMessage(method, path);
        request.Content = json is null ? null : new StringContent(json, System.Text.Encoding.UTF8, "application/json");
        return await http.SendAsync(request, cancellationToken);
    }

    public async Task<HttpStatusCode> StatusAsync(string? key, HttpMethod method, string path, string? json = null)
    {
        using var answer = await AskAsync(key, method, path, json);
        return answer.StatusCode;
    }

    /// <summary>Counts what a counter of this host alone is told from now on.</summary>
    public static MeterListener Count(Instrument counter, Action count)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (ReferenceEquals(instrument, counter))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => count());
        listener.Start();
        return listener;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private void Map()
    {
        _app.MapServiceDefaults();
        _app.MapGet("/things", () => "none").RequireScope(Scopes.RunsRead);
        _app.MapGet("/blobs", () => "none").OpenToLeases();
        _app.MapPost("/things/{name}", (string name, Thing thing) =>
        {
            Seen.Add((thing, Rows));
            return Results.Created($"/things/{Uri.EscapeDataString(name)}", value: null);
        }).RequireScope(Scopes.RunsWrite).Audited();
        _app.MapDelete("/things/{name}", (string name) => Results.NoContent()).RequireScope(Scopes.RunsWrite).Audited();
        _app.MapPost("/fault", () => { throw new InvalidOperationException("a defect"); }).RequireScope(Scopes.RunsWrite).Audited();
        _app.MapPost("/endless", async (HttpContext http) =>
        {
            Waiting.SetResult();
            await Task.Delay(Timeout.Infinite, http.RequestAborted);
        }).RequireScope(Scopes.RunsWrite).Audited();
    }

    private sealed class AlwaysNoon : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Noon;
    }
}
