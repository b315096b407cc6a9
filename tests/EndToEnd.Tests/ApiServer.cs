using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlEvents.Testing;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A <c>flevents run</c> with its API, and requests to it. Its own run is long enough to outlast any test.</summary>
public sealed class ApiServer : IAsyncLifetime
{
    /// <summary>One more than runs need, so that one may be removed.</summary>
    public const int Clients = TinyRun.Clients + 1;

    private readonly TemporaryFolder _folder = new();
    private ChildProcess? _program;

    public HttpClient Http { get; } = new() { Timeout = Product.Patience };

    public string Out => _folder.File("out");

    /// <summary>The run that the program was started with.</summary>
    public Guid RunId { get; private set; }

    internal ChildProcess Program => _program!;

    public async ValueTask InitializeAsync()
    {
        var file = _folder.File("tiny.json");
        await File.WriteAllTextAsync(file, TinyRun.Json);
        var url = $"http://127.0.0.1:{FreePort.Next()}";
        _program = Product.Start("run", file, "--out", Out, "--listen", url, "--set", "rounds=100000", "--set", $"simulation.clients={Clients}");
        await _program.WaitForLineAsync(line => line.EndsWith($"API at {url}", StringComparison.Ordinal), Product.Patience);
        Http.BaseAddress = new Uri(url);
        await Eventually.HoldsAsync("the program's run is created", async () =>
        {
            var runs = await GetAsync("runs");
            RunId = runs.GetArrayLength() == 1 ? runs[0].GetProperty("runId").GetGuid() : default;
            return RunId != default;
        });
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (_program is not null)
        {
            await _program.DisposeAsync();
        }

        _folder.Dispose();
    }

    public Task<JsonElement> GetAsync(string path) => Http.GetFromJsonAsync<JsonElement>(new Uri(path, UriKind.Relative));

    /// <summary>Pauses, resumes or stops a run.</summary>
    /// <returns>The run's state after it.</returns>
    public async Task<string?> PostAsync(Guid runId, string action)
    {
        using var response = await Http.PostAsync(new Uri($"runs/{runId}/{action}", UriKind.Relative), content: null);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("state").GetString();
    }

    public Task<HttpResponseMessage> PostRunAsync(string body, string? idempotencyKey = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "runs") { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return Http.SendAsync(request);
    }

    public async Task<Guid> CreateAsync(JsonObject body)
    {
        using var response = await PostRunAsync(body.ToJsonString());
        Assert.Equal(201, (int)response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("runId").GetGuid();
    }

    /// <summary>Reads a run's events to their end: name and data of each.</summary>
    public async Task<List<(string Name, JsonElement Data)>> EventsAsync(Guid runId)
    {
        var events = new List<(string, JsonElement)>();
        using var late = new CancellationTokenSource(Product.Patience);
        await using var body = await Http.GetStreamAsync(new Uri($"runs/{runId}/events", UriKind.Relative), late.Token);
        await foreach (var item in SseParser.Create(body, (_, data) => JsonSerializer.Deserialize<JsonElement>(data)).EnumerateAsync(late.Token))
        {
            events.Add((item.EventType, item.Data));
        }

        return events;
    }

    /// <summary>Waits for a run's end.</summary>
    /// <returns>The run as it ended.</returns>
    public async Task<JsonElement> EndAsync(Guid runId)
    {
        await EventsAsync(runId);
        return await GetAsync($"runs/{runId}");
    }

    /// <summary>The run's rounds as they are now.</summary>
    public async Task<List<JsonElement>> RoundsAsync(Guid runId) => [.. (await GetAsync($"runs/{runId}/rounds")).EnumerateArray()];
}
