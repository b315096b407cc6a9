using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;

namespace FlEvents.Explorer.Tests;

/// <summary>Every world that the bounds of docs/reliability.md allow, in classes so that two are searched at once.</summary>
internal static class Exhaustive
{
    private const int MostWorlds = 20_000_000;

    public static Scenario OneRun(PrivacyMode mode, int clients) => new()
    {
        Name = $"one run, {clients} clients, {mode}",
        Runs = [Scenario.Run(0, rounds: 1, mode)],
        Clients = clients,
    };

    public static Scenario TwoRuns => new()
    {
        Name = "two runs, one client, budget for one charge",
        Runs = [Scenario.Run(0, rounds: 1, PrivacyMode.Local), Scenario.Run(1, rounds: 1, PrivacyMode.Local)],
        Clients = 1,
        Policy = Scenario.BudgetFor(charges: 1, Scenario.Run(0, rounds: 1, PrivacyMode.Local)),
    };

    public static void Explore(Scenario scenario)
    {
        var findings = new Search(scenario).Run(MostWorlds);
        TestContext.Current.TestOutputHelper!.WriteLine($"{scenario}: {findings}");
        Assert.True(findings.Violation is null, findings.Violation);
        Assert.True(findings.IsWhole, $"The search was cut at {MostWorlds} worlds.");
    }

    public static void NeedsMinutes() =>
        Assert.SkipUnless(Environment.GetEnvironmentVariable("FLEVENTS_FULL") == "1", "Takes minutes and gigabytes: set FLEVENTS_FULL=1, or ./test.sh --full.");
}

public class OneClientTests
{
    [Theory, InlineData(PrivacyMode.None), InlineData(PrivacyMode.Local), InlineData(PrivacyMode.Central)]
    public void With_every_fault_a_round_of_one_client_and_two_workers_keeps_the_invariants(PrivacyMode mode) => Exhaustive.Explore(Exhaustive.OneRun(mode, clients: 1));
}

public class TwoClientsAndDuplicatesTests
{
    [Theory, InlineData(PrivacyMode.None), InlineData(PrivacyMode.Local), InlineData(PrivacyMode.Central)]
    public void With_every_fault_but_a_worker_that_dies_a_round_of_two_clients_keeps_the_invariants(PrivacyMode mode) =>
        Exhaustive.Explore(Exhaustive.OneRun(mode, clients: 2) with { WorkerCrashes = 0 });
}

public class TwoClientsAndCrashesTests
{
    [Theory, InlineData(PrivacyMode.None), InlineData(PrivacyMode.Local), InlineData(PrivacyMode.Central)]
    public void With_every_fault_but_a_duplicate_a_round_of_two_clients_keeps_the_invariants(PrivacyMode mode) =>
        Exhaustive.Explore(Exhaustive.OneRun(mode, clients: 2) with { Duplicates = 0 });
}

public class TwoSilosTests
{
    [Fact]
    public void With_every_fault_a_round_of_two_clients_with_a_worker_each_keeps_the_invariants() =>
        Exhaustive.Explore(Exhaustive.OneRun(PrivacyMode.Local, clients: 2) with { IsPool = false });

    [Fact]
    public void With_every_fault_but_a_duplicate_a_round_whose_tasks_go_out_one_by_one_keeps_the_invariants() =>
        Exhaustive.Explore(Exhaustive.OneRun(PrivacyMode.Local, clients: 2) with { QueueLength = 1, Duplicates = 0 });
}

public class TwoRunsOneClientTests
{
    [Fact]
    public void With_every_fault_two_runs_that_share_a_silo_keep_the_invariants() => Exhaustive.Explore(Exhaustive.TwoRuns with { IsPool = false });

    [Theory, InlineData(1, 0), InlineData(0, 1)]
    public void With_a_duplicate_or_a_worker_that_dies_two_runs_that_share_a_client_of_a_pool_keep_the_invariants(int duplicates, int workerCrashes) =>
        Exhaustive.Explore(Exhaustive.TwoRuns with { Duplicates = duplicates, WorkerCrashes = workerCrashes });
}

public class EveryFaultTests
{
    [Theory, InlineData(PrivacyMode.None), InlineData(PrivacyMode.Local), InlineData(PrivacyMode.Central)]
    public void With_every_fault_a_round_of_two_clients_keeps_the_invariants(PrivacyMode mode)
    {
        Exhaustive.NeedsMinutes();
        Exhaustive.Explore(Exhaustive.OneRun(mode, clients: 2));
    }

    [Fact]
    public void With_every_fault_two_runs_that_share_a_client_of_a_pool_keep_the_invariants()
    {
        Exhaustive.NeedsMinutes();
        Exhaustive.Explore(Exhaustive.TwoRuns);
    }
}
