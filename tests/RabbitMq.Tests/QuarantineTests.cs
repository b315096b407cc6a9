using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FlEvents.Aggregator.Tests;
using FlEvents.EndToEnd.Tests;
using FlEvents.ServiceDefaults.Quarantine;
using FlEvents.Testing;
using RabbitMQ.Client;

namespace FlEvents.RabbitMq.Tests;

/// <summary>What anybody can put on a queue.</summary>
public sealed class QuarantineTests(RabbitMqBroker broker)
{
    [Theory]
    [InlineData("no JSON at all")]
    [InlineData("""{ "messageId": "0193b7a0-0000-7000-8000-000000000009", "messageType": ["urn:message:FlEvents.Contracts:OpenRound"], "message": { "round": "seven" } }""")]
    [InlineData("""{ "messageType": ["urn:message:FlEvents.Contracts:NoSuchThing"], "message": {} }""")]
    [InlineData("[[[[[[[[")]
    public async Task Bytes_that_are_no_message_are_put_aside_and_the_service_goes_on(string body)
    {
        await using var virtualHost = await VirtualHost.CreateAsync(broker);
        using var folder = new TemporaryFolder();
        await using var host = await AggregatorHost.StartAsync(folder.Path, noise: null, brokerUrl: virtualHost.Url);
        await host.CreateAsync();
        await PublishAsync(virtualHost.Url, body);
        await Eventually.HoldsAsync("the bytes are quarantined", async () => (await ListAsync(host)).Count > 0);
        await host.DeliverAsync(Messages.OpenFor("anna"));
        Assert.Equal(QuarantineReason.Unreadable, Assert.Single(await ListAsync(host)).Reason);
        Assert.NotNull(host.Book());
        Assert.DoesNotContain(await virtualHost.QueuesAsync(), queue => queue.GetProperty("name").GetString()!.EndsWith("_error", StringComparison.Ordinal));
    }

    private static async Task PublishAsync(string url, string body)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(url) }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.BasicPublishAsync(
            "fl-aggregator", "", mandatory: true, new BasicProperties { ContentType = "application/vnd.masstransit+json" }, Encoding.UTF8.GetBytes(body));
    }

    private static async Task<List<QuarantineView>> ListAsync(AggregatorHost host) =>
        (await host.Http.GetFromJsonAsync<List<QuarantineView>>("quarantine", JsonSerializerOptions.Web))!;
}
