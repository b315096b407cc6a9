using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;

namespace FlEvents.Explorer.Tests;

/// <summary>Two clients in two runs of two rounds at the same time, with budget for three of the four charges: too large to be searched.</summary>
public class ScheduleTests
{
    private const int Few = 4_000;
    private const int Many = 100_000;

    [Fact]
    public void Four_thousand_random_schedules_keep_the_invariants_and_come_to_an_end() => Explore(1, Few);

    [Fact]
    public void A_hundred_thousand_random_schedules_keep_the_invariants_and_come_to_an_end()
    {
        Exhaustive.NeedsMinutes();
        Explore(Few + 1, Many - Few);
    }

    private static void Explore(int firstSeed, int count) => Explore(firstSeed, count, new Scenario
    {
        Name = "two runs, two rounds, two clients, budget for three charges",
        Runs = [Scenario.Run(0, rounds: 2, PrivacyMode.Local), Scenario.Run(1, rounds: 2, PrivacyMode.Local)],
        Clients = 2,
        Policy = Scenario.BudgetFor(charges: 3, Scenario.Run(0, rounds: 2, PrivacyMode.Local)),
        IsSettled = false,
        Duplicates = 3,
        AggregatorCrashes = 2,
        WorkerCrashes = 3,
        Expiries = 2,
    });

    [Theory, InlineData(PrivacyMode.None), InlineData(PrivacyMode.Local)]
    public void A_thousand_random_schedules_of_a_run_that_lets_late_updates_count_keep_the_invariants_and_come_to_an_end(PrivacyMode mode)
    {
        var run = Scenario.Run(0, rounds: 3, mode);
        Explore(1, 1_000, new Scenario
        {
            Name = $"one run, three rounds, three clients, {mode}, one round late",
            Runs = [run with { Aggregation = new AggregationSpec { LateRounds = 1 } }],
            Clients = 3,
            IsSettled = false,
            Duplicates = 3,
            AggregatorCrashes = 2,
            WorkerCrashes = 2,
            Expiries = 3,
        });
    }

    private static void Explore(int firstSeed, int count, Scenario scenario)
    {
        var findings = new Schedules(scenario).Run(Enumerable.Range(firstSeed, count));
        TestContext.Current.TestOutputHelper!.WriteLine($"{count} schedules: {findings}");
        Assert.True(findings.Violation is null, findings.Violation);
    }
}
