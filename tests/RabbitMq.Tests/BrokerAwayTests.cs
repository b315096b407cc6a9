using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary>The services while there is no broker.</summary>
[Collection(nameof(BrokerFaults))]
public sealed class BrokerAwayTests(RabbitMqBroker broker)
{
    private static readonly string[] Slow = ["training.localEpochs=100"];

    [Fact]
    public async Task Services_wait_for_a_broker_that_is_away_at_their_start_and_for_one_that_restarts_in_mid_run()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(Slow));
        await using var host = await VirtualHost.CreateAsync(broker);
        await broker.StopAsync();
        await using var services = new Deployment(host.Url);
        string[] names = [Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant, "worker-1"];
        services.Start(names[..3]);
        services.StartWorker(names[3]);
        foreach (var name in names)
        {
            await services[name].WaitForLineAsync(line => line.Contains("cannot be reached", StringComparison.Ordinal), Product.Patience);
            Assert.Equal((200, 503), (await services.StatusAsync(name, "alive"), await services.StatusAsync(name, "health")));
        }

        await broker.StartAsync();
        await services.ReadyAsync();
        var runId = await services.CreateAsync(TinyRun.Read(Slow));
        await Moment.Admitted(2, 2).InDatabaseAsync(services.DatabaseOf(Deployment.Aggregator), services[Deployment.Aggregator]);
        await broker.StopAsync();
        await broker.StartAsync();

        Assert.Equal(expected, await services.ModelSha256Async(runId));
    }

    [Fact]
    public async Task A_run_survives_a_broker_that_is_killed_again_and_again()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1", "Takes minutes: set FLEVENTS_FULL=1, or ./test.sh --full.");
        string[] changes = [.. Slow, "rounds=8"];
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(changes));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        var runId = await services.CreateAsync(TinyRun.Read(changes));
        for (var round = 2; round <= 6; round += 2)
        {
            await Moment.Admitted(round, 2).InDatabaseAsync(services.DatabaseOf(Deployment.Aggregator), services[Deployment.Aggregator]);
            await broker.KillAsync();
            await broker.StartAsync();
        }

        Assert.Equal(expected, await services.ModelSha256Async(runId));
    }
}
