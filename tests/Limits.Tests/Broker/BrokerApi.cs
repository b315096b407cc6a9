using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

namespace FlEvents.Limits.Tests.Broker;

/// <summary>What the broker's management API says of a virtual host.</summary>
internal sealed class BrokerApi(RabbitMqBroker broker, VirtualHost host) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = broker.ManagementUri, Timeout = Product.Patience };
    private readonly string _name = new Uri(host.Url).AbsolutePath.Trim('/');

    /// <summary>The consumers: queue and prefetch of each.</summary>
    public async Task<IReadOnlyList<(string Queue, int Prefetch)>> ConsumersAsync() =>
    [
        .. (await GetAsync($"api/consumers/{_name}")).EnumerateArray().Select(consumer =>
            (consumer.GetProperty("queue").GetProperty("name").GetString()!, consumer.GetProperty("prefetch_count").GetInt32())),
    ];

    /// <summary>Messages in each queue, by its name; a queue that was declared a moment ago has no number yet.</summary>
    public async Task<IReadOnlyDictionary<string, int?>> LengthsAsync() => (await host.QueuesAsync()).ToDictionary(
        queue => queue.GetProperty("name").GetString()!, queue => queue.TryGetProperty("messages", out var messages) ? messages.GetInt32() : (int?)null);

    /// <summary>An argument that a queue was declared with, a number.</summary>
    public async Task<int> ArgumentAsync(string queue, string argument) =>
        (await host.QueuesAsync()).Single(described => described.GetProperty("name").GetString() == queue).GetProperty("arguments").GetProperty(argument).GetInt32();

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(broker.ManagementUri.UserInfo))));
        using var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }
}
