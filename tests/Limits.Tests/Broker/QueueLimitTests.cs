using System.Text;
using FlEvents.Contracts;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.ServiceDefaults.Messaging;
using FlEvents.Testing;
using MassTransit;
using RabbitMQ.Client;

namespace FlEvents.Limits.Tests.Broker;

/// <summary>What waits on the broker, and with whom.</summary>
public sealed class QueueLimitTests(RabbitMqBroker broker, ITestOutputHelper output)
{
    [Fact]
    public async Task Every_consumer_of_a_deployment_takes_a_bounded_number_of_messages_ahead_and_a_worker_as_many_as_it_has_slots()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        using var api = new BrokerApi(broker, host);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        services.StartWorker("worker-2");
        await services.ReadyAsync();

        // The API counts every few seconds.
        IReadOnlyList<(string Queue, int Prefetch)> consumers = [];
        await Eventually.HoldsAsync("all consumers are told of", async () => (consumers = await api.ConsumersAsync()).Count == 6);
        output.WriteLine(string.Join(", ", consumers.Select(consumer => $"{consumer.Queue}: {consumer.Prefetch}")));
        Assert.All(consumers, consumer => Assert.Equal(consumer.Queue.StartsWith("fl-pool-", StringComparison.Ordinal) ? 1 : new BusOptions().Prefetch, consumer.Prefetch));
    }

    [Fact]
    public async Task Signs_of_life_for_an_Orchestrator_that_is_away_do_not_pile_up()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        using var api = new BrokerApi(broker, host);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator);
        await services.ReadyAsync();
        await services.KillAsync(Deployment.Orchestrator);

        var bus = Bus.Factory.CreateUsingRabbitMq(configure => configure.Host(new Uri(host.Url)));
        await bus.StartAsync(TestContext.Current.CancellationToken);
        for (var sent = 0; sent < 2 * QueueLimits.Heartbeats; sent += 500)
        {
            await Task.WhenAll(Enumerable.Range(sent, 500).Select(i => bus.Publish(
                new WorkerHeartbeat { WorkerId = $"worker-{i}", Pool = "client", ClientId = null, Slots = 1, Running = 0 }, TestContext.Current.CancellationToken)));
        }

        await bus.StopAsync(CancellationToken.None);
        IReadOnlyDictionary<string, int?> lengths = new Dictionary<string, int?>();
        await Eventually.HoldsAsync("the queue is counted", async () => (lengths = await api.LengthsAsync())[Routes.Heartbeats] is > 0);
        output.WriteLine(string.Join(", ", lengths.Select(queue => $"{queue.Key}: {queue.Value}")));
        Assert.All(lengths, queue => Assert.InRange(queue.Value ?? 0, 0, QueueLimits.Heartbeats));

        // What is old is worth nothing to an Orchestrator that comes back.
        Assert.Equal(QueueLimits.HeartbeatMilliseconds, await api.ArgumentAsync(Routes.Heartbeats, "x-message-ttl"));
        if (!FuzzPlan.IsFull)
        {
            return;
        }

        await Eventually.HoldsAsync("they are gone", async () => (await api.LengthsAsync())[Routes.Heartbeats] == 0);
        Assert.All((await api.LengthsAsync()).Where(queue => queue.Key.EndsWith("-dead", StringComparison.Ordinal)), queue => Assert.Equal(0, queue.Value ?? 0));
    }

    [Fact]
    public async Task S26_a_message_that_nobody_survives_comes_to_the_dead_letter_queue_at_the_delivery_limit_and_its_round_goes_on_by_its_deadline()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        using var api = new BrokerApi(broker, host);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();

        // In the place of a worker that dies of a task: it is given back again and again, and never acknowledged.
        await new Moment("the worker and its clients are known", "", $"select exists (select 1 from worker) and (select count(*) from client) = {TinyRun.Clients}")
            .InDatabaseAsync(services.DatabaseOf(Deployment.Orchestrator), services[Deployment.Orchestrator]);
        await services.KillAsync("worker-1");
        var runId = await services.CreateAsync(TinyRun.Read("rounds=2", "selection.deadlineSeconds=25", "selection.leaseSeconds=5", "selection.minimumReports=1", "evaluation.federated=false"));
        Assert.Equal(QueueLimits.Deliveries + 1, await RejectFirstAsync(host.Url, "fl-pool-client"));
        services.StartWorker("worker-1");
        await Eventually.HoldsAsync("it is in the dead-letter queue", async () => (await api.LengthsAsync())["fl-pool-client-dead"] == 1);
        var run = await services.Api.EndAsync(runId);
        Assert.True(run.GetProperty("state").GetString() == "completed", run.GetRawText());
        var rounds = await services.Api.RoundsAsync(runId);
        Assert.Equal([TinyRun.Clients - 1, TinyRun.Clients], rounds.OrderBy(round => round.GetProperty("round").GetInt32()).Select(round => round.GetProperty("updatesAdmitted").GetInt32()));
    }

    [Fact]
    public async Task S26_a_message_that_can_not_be_taken_is_quarantined_with_its_reason_and_the_round_goes_on()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        using var api = new BrokerApi(broker, host);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        var runId = await services.CreateAsync(TinyRun.Read());
        foreach (var queue in new[] { Routes.Orchestrator, Routes.Heartbeats, Routes.Aggregator, Routes.PrivacyAccountant, "fl-pool-client" })
        {
            await PublishAsync(host.Url, queue, """{ "messageId": "0193b7a0-0000-7000-8000-000000000009", "messageType": [null], "message": { "round": "seven" } }""");
        }

        Assert.Equal("completed", (await services.Api.EndAsync(runId)).GetProperty("state").GetString());
        var aside = new Moment("it is put aside", "", "select exists (select 1 from quarantine where reason = 'UNREADABLE' and length(detail) > 10)");
        foreach (var name in new[] { Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant, "worker-1" })
        {
            await aside.InDatabaseAsync(services.DatabaseOf(name), services[name]);
        }

        Assert.All((await api.LengthsAsync()).Where(queue => queue.Key.EndsWith("-dead", StringComparison.Ordinal)), queue => Assert.Equal(0, queue.Value ?? 0));
    }

    /// <summary>Takes the first message of a queue and gives it back until it does not come again.</summary>
    /// <returns>How often it came.</returns>
    private static async Task<int> RejectFirstAsync(string url, string queue)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(url) }.CreateConnectionAsync(TestContext.Current.CancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        var (deliveries, first) = (0, (string?)null);
        var others = new List<ulong>();
        await Eventually.HoldsAsync("the message comes no more", async () =>
        {
            if (await channel.BasicGetAsync(queue, autoAck: false, TestContext.Current.CancellationToken) is not { } message)
            {
                return first is not null;
            }

            var text = Encoding.UTF8.GetString(message.Body.Span);
            first ??= text;
            if (text == first)
            {
                deliveries++;
                await channel.BasicNackAsync(message.DeliveryTag, multiple: false, requeue: true, TestContext.Current.CancellationToken);
            }
            else
            {
                others.Add(message.DeliveryTag);
            }

            return false;
        });
        foreach (var tag in others)
        {
            await channel.BasicNackAsync(tag, multiple: false, requeue: true, TestContext.Current.CancellationToken);
        }

        return deliveries;
    }

    private static async Task PublishAsync(string url, string queue, string body)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(url) }.CreateConnectionAsync(TestContext.Current.CancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        await channel.BasicPublishAsync(
            queue,
            "",
            mandatory: true,
            new BasicProperties { ContentType = "application/vnd.masstransit+json" },
            Encoding.UTF8.GetBytes(body),
            TestContext.Current.CancellationToken);
    }
}
