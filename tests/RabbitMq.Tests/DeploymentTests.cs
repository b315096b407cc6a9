using FlEvents.EndToEnd.Tests;
using FlEvents.Testing;

namespace FlEvents.RabbitMq.Tests;

/// <summary>The four services as processes of their own, the same ones for all tests but for their workers.</summary>
public sealed class DeploymentTests(DeploymentTests.Shared shared, RabbitMqBroker broker) : IClassFixture<DeploymentTests.Shared>
{
    // Training that takes some tenths of a second, so that several workers get their share and a task can be met in the middle.
    private static readonly string[] Slow = ["training.localEpochs=100"];

    [Fact]
    public async Task One_worker_and_four_give_the_model_of_a_run_in_one_process()
    {
        var services = await shared.WithWorkersAsync("worker-1");
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(Slow));

        Assert.Equal(expected, await services.ModelSha256Async(await services.CreateAsync(TinyRun.Read(Slow))));

        string[] workers = ["worker-1", "worker-2", "worker-3", "worker-4"];
        await shared.WithWorkersAsync(workers);
        var runId = await services.CreateAsync(TinyRun.Read(Slow));
        Assert.Equal(expected, await services.ModelSha256Async(runId));

        var served = workers.Count(worker =>
            new Moment("the worker trained", "", $"select exists (select 1 from tasks where run_id = '{runId}')").HasCome(services.DatabaseOf(worker)));
        Assert.True(served > 1, "One worker had all the tasks though four were there.");
    }

    [Fact]
    public async Task S26_every_queue_is_a_quorum_queue_with_a_delivery_limit_and_a_dead_letter_queue()
    {
        await shared.WithWorkersAsync("worker-1");

        var queues = await shared.Host.QueuesAsync();
        var names = queues.Select(queue => queue.GetProperty("name").GetString()!).ToList();
        string[] expected = ["fl-aggregator", "fl-orchestrator", "fl-pool-client", "fl-privacy-accountant"];

        // Signs of life are dropped instead: one that is lost is followed by the next.
        const string Heartbeats = "fl-heartbeats";
        Assert.Equal([.. expected.SelectMany(name => new[] { name, $"{name}-dead" }).Append(Heartbeats).Order(StringComparer.Ordinal)], names.Order(StringComparer.Ordinal));
        Assert.All(queues, queue => Assert.Equal("quorum", queue.GetProperty("type").GetString()));
        foreach (var name in expected)
        {
            var arguments = queues.Single(queue => queue.GetProperty("name").GetString() == name).GetProperty("arguments");
            Assert.Equal($"{name}-dead", arguments.GetProperty("x-dead-letter-exchange").GetString());
            Assert.Equal(20, arguments.GetProperty("x-delivery-limit").GetInt32());
            Assert.True(await shared.Host.IsBoundAsync($"{name}-dead", $"{name}-dead"));
        }

        // No message was given up; the API has no number for a queue that was declared a moment ago.
        Assert.All(
            queues.Where(queue => queue.GetProperty("name").GetString()!.EndsWith("-dead", StringComparison.Ordinal) && queue.TryGetProperty("messages", out _)),
            queue => Assert.Equal(0, queue.GetProperty("messages").GetInt32()));
    }

    [Fact]
    public async Task A_command_for_a_service_that_was_never_started_waits_for_it()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        services.Start(Deployment.Orchestrator);
        await services.ReadyAsync();

        var runId = await services.CreateAsync(TinyRun.Read());
        await services[Deployment.Orchestrator].WaitForLineAsync(line => line.Contains("No queue took CreateModel for fl-aggregator", StringComparison.Ordinal), Product.Patience);
        services.Start(Deployment.Aggregator);
        services.StartWorker("worker-1");
        await services[Deployment.Orchestrator].WaitForLineAsync(
            line => line.Contains("No queue took ReserveBudget for fl-privacy-accountant", StringComparison.Ordinal), Product.Patience);
        services.Start(Deployment.Accountant);

        Assert.Equal(await InProcess.ModelSha256Async(TinyRun.Read()), await services.ModelSha256Async(runId));
    }

    [Fact]
    public async Task Services_that_are_killed_in_mid_run_go_on_where_they_were() => await KillEachAsync(passes: 1);

    [Fact]
    public async Task Services_that_are_killed_many_times_in_mid_run_go_on_where_they_were()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1", "Takes minutes: set FLEVENTS_FULL=1, or ./test.sh --full.");
        await KillEachAsync(passes: 6);
    }

    private async Task KillEachAsync(int passes)
    {
        string[] changes = [.. Slow, $"rounds={2 + (4 * passes)}", "selection.leaseSeconds=3"];
        var services = await shared.WithWorkersAsync("worker-1");
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(changes));
        var runId = await services.CreateAsync(TinyRun.Read(changes));

        var round = 1;
        for (var pass = 0; pass < passes; pass++)
        {
            foreach (var service in new[] { "worker-1", Deployment.Aggregator, Deployment.Accountant, Deployment.Orchestrator })
            {
                var inRound = new Moment(
                    $"round {round} has an update",
                    "",
                    $"""
                    select exists (select 1 from member join round using (round_id)
                                   where number = {round} and round.run_id = '{runId}' and member.state = 'Admitted')
                    """);
                await inRound.InDatabaseAsync(services.DatabaseOf(Deployment.Orchestrator), services[Deployment.Orchestrator]);
                await services.KillAsync(service);
                if (service.StartsWith("worker", StringComparison.Ordinal))
                {
                    services.StartWorker(service);
                }
                else
                {
                    services.Start(service);
                }

                round++;
            }
        }

        await services.ReadyAsync();
        Assert.Equal(expected, await services.ModelSha256Async(runId));
        Assert.All(await services.Api.RoundsAsync(runId), done => Assert.Equal(TinyRun.Clients, done.GetProperty("updatesAdmitted").GetInt32()));
    }

    /// <summary>The services that own the state, on a virtual host of their own.</summary>
    public sealed class Shared(RabbitMqBroker broker) : IAsyncDisposable
    {
        private Deployment? _services;
        private VirtualHost? _host;

        internal VirtualHost Host => _host!;

        public async ValueTask DisposeAsync()
        {
            await (_services?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (_host?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        /// <summary>Starts the workers that are not there, kills others, and waits until all is healthy.</summary>
        internal async Task<Deployment> WithWorkersAsync(params string[] workers)
        {
            // Here and not before the first test: where there is no broker, tests are skipped.
            _host ??= await VirtualHost.CreateAsync(broker);
            _services ??= Services(_host);
            foreach (var other in _services.Workers.Except(workers).ToList())
            {
                await _services.KillAsync(other);
            }

            foreach (var missing in workers.Except(_services.Workers).ToList())
            {
                _services.StartWorker(missing);
            }

            await _services.ReadyAsync();
            return _services;
        }

        private static Deployment Services(VirtualHost host)
        {
            var services = new Deployment(host.Url);
            services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
            return services;
        }
    }
}
