using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FlEvents.EndToEnd.Tests;

/// <summary>Requests to the Orchestrator's API.</summary>
/// <param name="http">Its base address is the Orchestrator's.</param>
public sealed class RunsApi(HttpClient http)
{
    public Task<JsonElement> GetAsync(string path) => http.GetFromJsonAsync<JsonElement>(new Uri(path, UriKind.Relative));

    /// <summary>Pauses, resumes or stops a run.</summary>
    /// <returns>The run's state after it.</returns>
    public async Task<string?> PostAsync(Guid runId, string action)
    {
        using var response = await http.PostAsync(new Uri($"runs/{runId}/{action}", UriKind.Relative), content: null);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("state").GetString();
    }

    public Task<HttpResponseMessage> PostRunAsync(string body, string? idempotencyKey = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "runs") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return http.SendAsync(request);
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
        await using var body = await http.GetStreamAsync(new Uri($"runs/{runId}/events", UriKind.Relative), late.Token);
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
