using System.Diagnostics;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

namespace FlEvents.Faults.Tests;

/// <summary>Processes that are told to stop (SIGTERM), on a real broker: each ends with code 0 in the time it may take.</summary>
public sealed class GracefulStopTests(RabbitMqBroker broker, ITestOutputHelper output)
{
    private static readonly string[] Services = [Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant];

    // A second and more for one client, also on a fast machine.
    private static readonly string[] Slow = ["training.localEpochs=800", "training.batchSize=8", "rounds=2"];

    [Fact]
    public async Task A_worker_that_is_told_to_stop_in_mid_training_hands_its_lease_back_and_another_one_finishes_on_the_same_charge()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(Slow));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        services.Start(Services);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        var run = await services.CreateAsync(TinyRun.Read(Slow));
        await new Moment("a task is in training", "", "select exists (select 1 from member where state = 'Accepted')")
            .InDatabaseAsync(services.DatabaseOf(Deployment.Orchestrator), services[Deployment.Orchestrator]);

        Assert.Equal(0, await services.StopAsync("worker-1"));
        Assert.Equal("STOPPING", Checks.Read(services.DatabaseOf("worker-1"), "select reason_code from tasks where state = 'Interrupted'"));
        services.StartWorker("worker-2");

        Assert.Equal(expected, await services.ModelSha256Async(run));
        Assert.Equal(1L, Checks.Read(services.DatabaseOf(Deployment.Orchestrator), "select count(*) from member where lease_number = 2"));
        await Checks.AssertCleanAsync(services, run, rounds: 2);
        await Checks.AssertNothingDroppedAsync(services, host, [.. Services, "worker-1", "worker-2"]);
    }

    [Fact]
    public async Task A_service_does_not_wait_for_those_who_watch_a_run_when_it_is_told_to_stop()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        services.Start(Deployment.Orchestrator);
        await services.ReadyAsync();
        var watching = services.Api.EventsAsync(await services.CreateAsync(TinyRun.Read()));
        await services[Deployment.Orchestrator].WaitForLineAsync(line => line.Contains("No queue took CreateModel", StringComparison.Ordinal), Product.Patience);

        var since = Stopwatch.GetTimestamp();
        Assert.Equal(0, await services.StopAsync(Deployment.Orchestrator));
        output.WriteLine($"Stopped in {Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s, with {(await watching).Count} events told.");
    }

    [Fact]
    public async Task S32_rolling_restarts_of_every_service_with_full_prefetch_drop_no_message_and_change_no_model()
    {
        var restarts = Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1" ? 25 : 6;
        string[] changes = ["rounds=12", "training.localEpochs=40", "evaluation.federated=false"];
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(changes));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url) { Settings = { [""] = new() { ["Bus__Prefetch"] = "2" } } };
        string[] names = [.. Services, "worker-1", "worker-2"];
        Array.ForEach(names, services.Restart);
        await services.ReadyAsync();

        var series = Enumerable.Range(0, 3).Select(_ => new Series(services, TinyRun.Read(changes))).ToList();
        for (var restart = 0; restart < restarts; restart++)
        {
            await Task.WhenAll(series.Select(runs => runs.CurrentAsync()));
            var name = names[restart % names.Length];
            var since = Stopwatch.GetTimestamp();
            Assert.Equal(0, await services.StopAsync(name));
            output.WriteLine($"{name} stopped in {Stopwatch.GetElapsedTime(since).TotalSeconds:F1} s.");
            services.Restart(name);
            await services.ReadyAsync();
        }

        foreach (var run in series.SelectMany(runs => runs.Runs))
        {
            Assert.Equal(expected, await services.ModelSha256Async(run));
            await Checks.AssertCleanAsync(services, run, rounds: 12);
        }

        await Checks.AssertNothingDroppedAsync(services, host, names);
        await Checks.AssertLedgerVerifiesAsync(services);
    }
}
