using System.Globalization;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

namespace FlEvents.Faults.Tests;

/// <summary>A worker that vanishes with a task in training, or comes back when its lease is another's.</summary>
public sealed class VanishedWorkerTests(RabbitMqBroker broker)
{
    // Several times a third of the lease, also on a fast machine: a task that is trained before its lease is renewed cannot vanish in between.
    private static readonly string[] Slow = ["rounds=1", "training.localEpochs=800", "training.batchSize=8", "evaluation.federated=false", "selection.leaseSeconds=2"];

    private static readonly string[] Noised =
        [.. Slow, "rounds=2", "training.validationFraction=0", "selection.minimumReports=1", "privacy.mode=local", "privacy.local.clipNorm=1", "privacy.local.noiseMultiplier=1"];

    [Fact]
    public async Task S9_without_noise_of_the_client_the_task_of_a_worker_that_was_killed_is_issued_again_on_the_same_charge()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(Slow));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = await StartAsync(host);
        var run = await services.CreateAsync(TinyRun.Read(Slow));
        await InTrainingAsync(services);
        await services.KillAsync("worker-1");
        services.StartWorker("worker-2");

        Assert.Equal(expected, await services.ModelSha256Async(run));
        Assert.Equal(2L, Checks.Read(services.DatabaseOf(Deployment.Orchestrator), "select max(lease_number) from member"));
        await Checks.AssertCleanAsync(services, run, rounds: 1);
        Assert.Equal(0, await OverCountedAsync(services));
    }

    [Fact]
    public async Task S9_with_noise_of_the_client_the_charge_of_a_worker_that_was_killed_stays_its_task_goes_to_nobody_else_and_the_run_goes_on()
    {
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = await StartAsync(host);
        var run = await services.CreateAsync(TinyRun.Read(Noised));
        await InTrainingAsync(services);
        await services.KillAsync("worker-1");
        services.StartWorker("worker-2");

        Assert.Equal("completed", (await services.Api.EndAsync(run)).GetProperty("state").GetString());
        await Checks.AssertCleanAsync(services, run, rounds: 2);
        var history = Checks.HistoryOf(services, run);
        var lost = Assert.Single(history.Members, member => member.State == "Failed");
        Assert.Equal((2 * TinyRun.Clients) - 1, history.Members.Count(member => member.State == "Admitted"));
        Assert.Equal(["client committed", "example committed"], history.Charges.Where(charge => charge.ReservationId == lost.ReservationId)
            .Select(charge => $"{charge.Unit} {charge.State}").Order(StringComparer.Ordinal));
        Assert.Equal(0L, Checks.Read(services.DatabaseOf("worker-2"), $"select count(*) from tasks where reservation_id = '{lost.ReservationId}'"));
        Assert.Equal(1, await OverCountedAsync(services));
    }

    [Fact]
    public async Task S12_a_worker_that_was_frozen_past_its_lease_brings_nothing_and_the_one_that_got_the_task_counts_once()
    {
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(Slow));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = await StartAsync(host);
        var run = await services.CreateAsync(TinyRun.Read(Slow));
        await InTrainingAsync(services);
        services["worker-1"].Signal(Signal.Stop);
        services.StartWorker("worker-2");
        await new Moment("the task is the other worker's", "", "select exists (select 1 from tasks where lease_number = 2)")
            .InDatabaseAsync(services.DatabaseOf("worker-2"), services["worker-2"]);
        services["worker-1"].Signal(Signal.Continue);

        Assert.Equal(expected, await services.ModelSha256Async(run));
        await Eventually.HoldsAsync("the worker that was frozen has given its task up", () =>
            Checks.Read(services.DatabaseOf("worker-1"), "select exists (select 1 from tasks where state = 'Interrupted' and reason_code = 'LEASE_LOST' and lease_number = 1)") is 1L);
        await Checks.AssertCleanAsync(services, run, rounds: 1);
        Assert.Equal(0, await OverCountedAsync(services));
    }

    private static async Task<Deployment> StartAsync(VirtualHost host)
    {
        var services = new Deployment(host.Url);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        await services.ReadyAsync();
        return services;
    }

    // The lease runs once the Orchestrator knows of it. By the first renewal the broker has long been told that the command was taken; before that it would
    // hand the task on under the same lease.
    private static async Task InTrainingAsync(Deployment services)
    {
        await new Moment("a task's lease is renewed", "", "select exists (select 1 from outbox where type = 'LeaseRenewed' and sent_at is not null)")
            .InDatabaseAsync(services.DatabaseOf("worker-1"), services["worker-1"]);
        await new Moment("the Orchestrator knows that a task is in training", "", "select exists (select 1 from member where state = 'Accepted')")
            .InDatabaseAsync(services.DatabaseOf(Deployment.Orchestrator), services[Deployment.Orchestrator]);
    }

    private static async Task<double> OverCountedAsync(Deployment services)
    {
        const string Metric = "fl_round_charges_over_counted_total ";
        var lines = (await services.MetricsAsync(Deployment.Orchestrator)).Split('\n');
        return lines.FirstOrDefault(line => line.StartsWith(Metric, StringComparison.Ordinal)) is { } line ? double.Parse(line[Metric.Length..], CultureInfo.InvariantCulture) : 0;
    }
}
