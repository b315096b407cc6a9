using System.Net.Http.Headers;
using System.Text;
using FlEvents.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

[assembly: AssemblyFixture(typeof(RabbitMqBroker))]

namespace FlEvents.RabbitMq.Tests;

/// <summary>These stop and suspend the broker that the assembly shares, so no other test runs beside them.</summary>
[CollectionDefinition(nameof(BrokerFaults), DisableParallelization = true)]
public sealed class BrokerFaults;

[Collection(nameof(BrokerFaults))]
public sealed class RabbitMqBrokerTests(RabbitMqBroker broker)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly string _queue = $"broker-tests-{Guid.NewGuid():N}";

    [Fact]
    public async Task The_broker_takes_a_message_and_hands_it_out()
    {
        await using var connection = await ConnectAsync();
        await using var channel = await ConfirmingChannelAsync(connection);
        await DeclareQuorumQueueAsync(channel);

        await PublishAsync(channel, "hello");

        Assert.Equal(["hello"], await TakeAsync(channel, 1));
    }

    [Fact]
    public async Task The_management_api_answers()
    {
        var uri = broker.ManagementUri;
        using var client = new HttpClient { Timeout = Patience };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(uri.UserInfo)));

        var overview = await client.GetStringAsync(new Uri(uri, "api/overview"));

        Assert.Contains("\"rabbitmq_version\"", overview, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Confirmed_messages_in_a_quorum_queue_survive_a_stop_and_then_a_kill()
    {
        var uri = broker.Uri;
        await PublishAloneAsync("before the stop");
        await EndAsync(broker.StopAsync);

        // Only now the kill: RabbitMQ 3.10 writes down that a queue exists up to half a second late, and a queue killed before that stays unusable.
        await PublishAloneAsync("before the kill");
        await EndAsync(broker.KillAsync);

        Assert.Equal(uri, broker.Uri);
        await using var connection = await ConnectAsync();
        await using var channel = await ConfirmingChannelAsync(connection);
        Assert.Equal(["before the stop", "before the kill"], await TakeAsync(channel, 2));
    }

    [Fact]
    public async Task A_suspended_broker_answers_only_after_it_is_resumed()
    {
        await using var connection = await ConnectAsync();
        await using var channel = await ConfirmingChannelAsync(connection);
        await DeclareQuorumQueueAsync(channel);

        await broker.SuspendAsync();
        var publishing = PublishAsync(channel, "through the pause").AsTask();
        using var probing = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing.WaitAsync(probing.Token));

        await broker.ResumeAsync();
        await publishing.WaitAsync(Patience);
        Assert.Equal(["through the pause"], await TakeAsync(channel, 1));
    }

    private async Task EndAsync(Func<Task> end)
    {
        await end();
        await Assert.ThrowsAsync<BrokerUnreachableException>(ConnectAsync);
        await broker.StartAsync();
    }

    private async Task PublishAloneAsync(string text)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await ConfirmingChannelAsync(connection);
        await DeclareQuorumQueueAsync(channel);
        await PublishAsync(channel, text);
    }

    private Task<IConnection> ConnectAsync() =>
        new ConnectionFactory { Uri = broker.Uri, AutomaticRecoveryEnabled = false, RequestedConnectionTimeout = Patience, ContinuationTimeout = Patience }
            .CreateConnectionAsync();

    private static Task<IChannel> ConfirmingChannelAsync(IConnection connection) =>
        connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));

    private Task<QueueDeclareOk> DeclareQuorumQueueAsync(IChannel channel) =>
        channel.QueueDeclareAsync(
            _queue, durable: true, exclusive: false, autoDelete: false, arguments: new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });

    private ValueTask PublishAsync(IChannel channel, string text) =>
        channel.BasicPublishAsync("", _queue, mandatory: true, new BasicProperties { Persistent = true }, Encoding.UTF8.GetBytes(text));

    /// <summary>Waits for messages with a consumer: a queue that still looks for its leader answers a get with nothing.</summary>
    private async Task<List<string>> TakeAsync(IChannel channel, int count)
    {
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> texts = [];
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            texts.Add(Encoding.UTF8.GetString(delivery.Body.Span));
            if (texts.Count == count)
            {
                all.SetResult();
            }

            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(_queue, autoAck: true, consumer);
        await all.Task.WaitAsync(Patience);
        return texts;
    }
}
