using System.Diagnostics;
using System.Globalization;
using FlEvents.EndToEnd.Tests;
using FlEvents.RabbitMq.Tests;
using FlEvents.Testing;

// One test kills the broker that all share.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(RabbitMqBroker))]

namespace FlEvents.Faults.Tests;

/// <summary>SIGKILL of every process in every phase of a round, on a real broker; afterwards the databases are checked against each other.</summary>
public sealed class KillMatrixTests(RabbitMqBroker broker, ITestOutputHelper output)
{
    private const string Broker = "RabbitMQ";
    private static readonly string[] Victims = [Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant, "worker-1", "worker-2", Broker];

    /// <summary>Longest wait for a phase: one that the run does not come to in time is left out, and the kill counts for the phase it met.</summary>
    private static readonly TimeSpan PhaseWait = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait, after the last run has ended, for what its services still have to tell each other.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(2);

    private static readonly string[] Plain =
        ["rounds=12", "training.localEpochs=40", "evaluation.federated=false", "selection.leaseSeconds=3", "selection.maximumAbandonedRounds=1"];

    private static readonly string[] Noised =
    [
        .. Plain, "training.validationFraction=0", "selection.minimumReports=1", "privacy.mode=local", "privacy.local.clipNorm=1", "privacy.local.noiseMultiplier=1",
    ];

    [Fact]
    public async Task Kills_of_every_process_in_every_phase_lose_nothing_and_charge_nothing_twice()
    {
        var isFull = Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1";
        var expected = await InProcess.ModelSha256Async(TinyRun.Read(Plain));
        await using var host = await VirtualHost.CreateAsync(broker);
        await using var services = new Deployment(host.Url);
        services.Start(Deployment.Orchestrator, Deployment.Aggregator, Deployment.Accountant);
        services.StartWorker("worker-1");
        services.StartWorker("worker-2");
        await services.ReadyAsync();

        var (plain, noised) = (new Series(services, TinyRun.Read(Plain)), new Series(services, TinyRun.Read(Noised)));
        var kills = new Dictionary<(string Victim, Phase Phase), int>();
        var observer = new OutputObserver([services.DatabaseOf("worker-1"), services.DatabaseOf("worker-2")], services.DatabaseOf(Deployment.Aggregator));
        await using (observer)
        {
            using var phases = new PhaseReader(services.DatabaseOf(Deployment.Orchestrator));
            for (var kill = 0; kill < (isFull ? 108 : 25); kill++)
            {
                await noised.CurrentAsync();
                var victim = Victims[kill % Victims.Length];
                var met = await MeetAsync(phases, await plain.CurrentAsync(), (Phase)(kill / Victims.Length % Enum.GetValues<Phase>().Length));
                await KillAsync(services, victim);
                kills[(victim, met)] = kills.GetValueOrDefault((victim, met)) + 1;
                await services.ReadyAsync();
            }

            await plain.EndAsync();
            await noised.EndAsync();
        }

        var verdicts = await VerdictsAsync(services, [.. plain.Runs.Select((run, i) => ($"plain {i + 1}", run)), .. noised.Runs.Select((run, i) => ($"noised {i + 1}", run))], observer);
        Write(kills, verdicts);
        Assert.All(verdicts, verdict => Assert.True(verdict.IsClean, $"{Verdict.Header}\n{verdict}\n{string.Join('\n', verdict.LostUpdates)}"));
        foreach (var run in plain.Runs)
        {
            Assert.Equal(expected, await services.ModelSha256Async(run));
        }

        var (exitCode, said) = await Product.RunAsync("ledger", "verify", "--data", services.DatabaseOf(Deployment.Accountant));
        Assert.True(exitCode == 0, said);
        output.WriteLine(said);
    }

    // What a service sent last may still be on its way when its run has ended.
    private static async Task<List<Verdict>> VerdictsAsync(Deployment services, IReadOnlyList<(string Name, Guid Run)> runs, OutputObserver observer)
    {
        List<Verdict> Read() =>
        [
            .. runs.Select(run => Verdict.Of(
                run.Name,
                12,
                History.Of(run.Run, services.DatabaseOf(Deployment.Orchestrator), services.DatabaseOf(Deployment.Aggregator), services.DatabaseOf(Deployment.Accountant)),
                observer.Received)),
        ];
        var verdicts = Read();
        var since = Stopwatch.GetTimestamp();
        while (verdicts.Any(verdict => !verdict.IsClean) && Stopwatch.GetElapsedTime(since) < Settling)
        {
            await Task.Delay(100);
            verdicts = Read();
        }

        return verdicts;
    }

    private static async Task<Phase> MeetAsync(PhaseReader phases, Guid runId, Phase wanted)
    {
        var since = Stopwatch.GetTimestamp();
        var met = phases.Of(runId);
        while (met != wanted && Stopwatch.GetElapsedTime(since) < PhaseWait)
        {
            await Task.Delay(1);
            met = phases.Of(runId);
        }

        return met;
    }

    private async Task KillAsync(Deployment services, string victim)
    {
        if (victim == Broker)
        {
            await broker.KillAsync();
            await broker.StartAsync();
            return;
        }

        await services.KillAsync(victim);
        if (victim.StartsWith("worker", StringComparison.Ordinal))
        {
            services.StartWorker(victim);
        }
        else
        {
            services.Start(victim);
        }
    }

    private void Write(Dictionary<(string Victim, Phase Phase), int> kills, List<Verdict> verdicts)
    {
        var phases = Enum.GetValues<Phase>();
        output.WriteLine($"{kills.Values.Sum()} kills");
        output.WriteLine($"| Killed | {string.Join(" | ", phases)} |");
        output.WriteLine($"|---|{string.Concat(phases.Select(_ => "---|"))}");
        foreach (var victim in Victims)
        {
            output.WriteLine($"| {victim} | {string.Join(" | ", phases.Select(phase => kills.GetValueOrDefault((victim, phase)).ToString(CultureInfo.InvariantCulture)))} |");
        }

        output.WriteLine(Verdict.Header);
        verdicts.ForEach(verdict => output.WriteLine(verdict.ToString()));
    }
}
