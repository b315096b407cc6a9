using System.Text.Json;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;
using RabbitMQ.Client;

namespace FlEvents.Faults.Tests;

/// <summary>A broker that stands still, connections that are cut, and two processes that send what one has to say.</summary>
public sealed class BrokerFaultTests(RabbitMqBroker broker)
{
    private static readonly string[] Names = [Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant, "worker-1"];
    private static readonly string[] Slow = ["training.localEpochs=100"];

    [Fact]
    public async Task S25_a_broker_that_stands_still_for_a_while_loses_nothing_and_nothing_counts_twice()
    {
        var pause = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1" ? 30 : 8);
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(Slow));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        var run = await RunAsync(services, Slow);
        await Moment.Admitted(2, 1).InDatabaseAsync(services.DatabaseOf(Deployment.Aggregator), services[Deployment.Aggregator]);
        await broker.SuspendAsync();
        try
        {
            await Task.Delay(pause);
        }
        finally
        {
            await broker.ResumeAsync();
        }

        await AssertUndisturbedAsync(services, host, run, expected);
    }

    [Fact]
    public async Task S25_connections_that_are_cut_in_every_round_lose_nothing_and_nothing_counts_twice()
    {
        var rounds = Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1" ? 20 : TinyRun.Rounds;
        string[] changes = [.. Slow, $"rounds={rounds}"];
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(changes));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var proxy = new TcpProxy(host.Url);
        await using var services = new Deployment(proxy.Url);
        var run = await RunAsync(services, changes);
        for (var round = 1; round <= rounds; round++)
        {
            await Moment.Admitted(round, 1).InDatabaseAsync(services.DatabaseOf(Deployment.Aggregator), services[Deployment.Aggregator]);
            proxy.Cut();
        }

        await AssertUndisturbedAsync(services, host, run, expected, rounds);
    }

    [Fact]
    public async Task S7_a_task_whose_confirmation_is_lost_is_sent_again_under_its_id_and_trained_once()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read());
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var proxy = new TcpProxy(host.Url);
        await using var services = new Deployment(host.Url) { Settings = { [Deployment.Orchestrator] = new() { ["Bus__RabbitMqUrl"] = proxy.Url } } };
        services.Start(Names[..3]);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        await using var spy = await Spy.OnAsync(host.Url, "fl-pool-client");

        proxy.HoldAnswersAfter("FlEvents.Contracts:TrainClient");
        var run = await services.CreateAsync(TinyRun.Read());
        await proxy.Held.WaitAsync(Product.Patience);
        await Moment.Trained(1).InDatabaseAsync(services.DatabaseOf("worker-1"), services["worker-1"]);
        Assert.Equal(0L, Checks.Read(services.DatabaseOf(Deployment.Orchestrator), "select count(*) from outbox where type = 'TrainClient' and sent_at is not null"));
        proxy.Cut();

        Assert.Equal(expected, await services.ModelSha256Async(run));
        var tasks = (await spy.MessageIdsAsync("TrainClient")).ToLookup(id => id);
        Assert.Equal(TinyRun.Clients * TinyRun.Rounds, tasks.Count);
        Assert.Contains(tasks, copies => copies.Count() > 1);
        var trained = services["worker-1"].Output.Count(line => line.Contains("the task is Trained", StringComparison.Ordinal));
        Assert.Equal(TinyRun.Clients * TinyRun.Rounds, trained);
        await Checks.AssertCleanAsync(services, run, TinyRun.Rounds);
    }

    [Fact]
    public async Task S31_two_processes_that_send_from_one_outbox_send_everything_and_nothing_counts_twice()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read());
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        services.Start(Names[..3]);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        var replica = services.StartReplica(Deployment.Orchestrator);
        await services.ReadyAsync();

        var run = await services.CreateAsync(TinyRun.Read());

        // What one of them commits the other does not tell those who watch.
        await Eventually.HoldsAsync("the run has ended", async () => (await services.Api.GetAsync($"runs/{run}")).GetProperty("state").GetString() is not ("preparing" or "running"));
        Assert.False(services[replica].HasExited);
        await AssertUndisturbedAsync(services, host, run, expected);
        Assert.Equal(0L, Checks.Read(services.DatabaseOf(Deployment.Orchestrator), "select count(*) from outbox where sent_at is null"));
    }

    private static async Task<Guid> RunAsync(Deployment services, string[] changes)
    {
        services.Start(Names[..3]);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        return await services.CreateAsync(TinyRun.Read(changes));
    }

    private static async Task AssertUndisturbedAsync(Deployment services, VirtualHost host, Guid run, string expected, int rounds = TinyRun.Rounds)
    {
        Assert.Equal(expected, await services.ModelSha256Async(run));
        await Checks.AssertCleanAsync(services, run, rounds);
        await Checks.AssertNothingDroppedAsync(services, host, Names);
        await Checks.AssertLedgerVerifiesAsync(services);
    }

    /// <summary>A queue that gets a copy of everything an exchange gets.</summary>
    private sealed class Spy(IConnection connection, IChannel channel, string queue) : IAsyncDisposable
    {
        public static async Task<Spy> OnAsync(string url, string exchange)
        {
            var connection = await new ConnectionFactory { Uri = new Uri(url) }.CreateConnectionAsync();
            var channel = await connection.CreateChannelAsync();
            var queue = await channel.QueueDeclareAsync();
            await channel.QueueBindAsync(queue.QueueName, exchange, "");
            return new Spy(connection, channel, queue.QueueName);
        }

        /// <summary>Ids of the messages of a type that came so far, copies too.</summary>
        public async Task<List<string>> MessageIdsAsync(string type)
        {
            var ids = new List<string>();
            while (await channel.BasicGetAsync(queue, autoAck: true) is { } message)
            {
                using var envelope = JsonDocument.Parse(message.Body);
                if (envelope.RootElement.GetProperty("messageType")[0].GetString()!.EndsWith($":{type}", StringComparison.Ordinal))
                {
                    ids.Add(envelope.RootElement.GetProperty("messageId").GetString()!);
                }
            }

            return ids;
        }

        public async ValueTask DisposeAsync()
        {
            await channel.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
