using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary>A part of the broker of its own, so that tests on one broker do not meet.</summary>
internal sealed class VirtualHost : IAsyncDisposable
{
    private readonly RabbitMqBroker _broker;
    private readonly string _name = $"test-{Guid.NewGuid():N}";

    private VirtualHost(RabbitMqBroker broker) => _broker = broker;

    /// <summary>What services are given as <c>Bus__RabbitMqUrl</c>.</summary>
    public string Url => new UriBuilder(_broker.Uri) { Path = _name }.Uri.ToString();

    public string Name => _name;

    public static async Task<VirtualHost> CreateAsync(RabbitMqBroker broker)
    {
        var host = new VirtualHost(broker);
        await host.SendAsync(HttpMethod.Put, $"api/vhosts/{host._name}", new { });
        var user = broker.ManagementUri.UserInfo.Split(':')[0];
        await host.SendAsync(HttpMethod.Put, $"api/permissions/{host._name}/{user}", new { configure = ".*", write = ".*", read = ".*" });
        return host;
    }

    /// <summary>The queues, as the management API describes them.</summary>
    public async Task<List<JsonElement>> QueuesAsync()
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/queues/{_name}", body: null);
        return [.. (await response.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray()];
    }

    /// <summary>Names of the exchanges, with the broker's own.</summary>
    public async Task<List<string>> ExchangesAsync()
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/exchanges/{_name}", body: null);
        return [.. (await response.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray().Select(exchange => exchange.GetProperty("name").GetString()!)];
    }

    /// <summary>Whether messages that a queue gives up go through the exchange to the other queue.</summary>
    public async Task<bool> IsBoundAsync(string exchange, string queue)
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/bindings/{_name}/e/{exchange}/q/{queue}", body: null);
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetArrayLength() > 0;
    }

    public async ValueTask DisposeAsync()
    {
        using var response = await SendAsync(HttpMethod.Delete, $"api/vhosts/{_name}", body: null);
    }

    /// <summary>Calls the management API.</summary>
    /// <exception cref="HttpRequestException">It did not do as it was asked.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body)
    {
        var uri = _broker.ManagementUri;
        using var client = new HttpClient { Timeout = EndToEnd.Tests.Product.Patience };
        using var request = new HttpRequestMessage(method, new Uri(uri, path)) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(uri.UserInfo))));
        var response = await client.SendAsync(request);
        return response.EnsureSuccessStatusCode();
    }
}
