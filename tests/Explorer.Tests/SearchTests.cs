using FlEvents.Contracts;
using FlEvents.Explorer.Tests.Worlds;

namespace FlEvents.Explorer.Tests;

public class SearchTests
{
    private static readonly Scenario Small = Exhaustive.OneRun(PrivacyMode.Local, clients: 2) with { Duplicates = 0, AggregatorCrashes = 0, WorkerCrashes = 0, Expiries = 0 };

    [Fact]
    public void A_search_that_is_cut_is_not_whole()
    {
        var findings = new Search(Small).Run(mostWorlds: 100);
        Assert.Equal((false, null), (findings.IsWhole, findings.Violation));
    }

    [Fact]
    public void A_search_finds_the_same_each_time()
    {
        var (first, second) = (new Search(Small).Run(1_000), new Search(Small).Run(1_000));
        Assert.True(first.IsWhole, first.Violation);
        Assert.Equal((first.Worlds, first.Moves, first.Ends), (second.Worlds, second.Moves, second.Ends));
    }

    [Fact]
    public void A_world_with_fewer_faults_covers_the_same_world_with_more_and_not_the_other_way_round()
    {
        var fewer = new World(1, 2, 3, 4, 5, 6, 7, default);
        var more = fewer with { Sent = Bags.Empty, Faults = new Faults(0, 1, 0, 1, 0, 0) };
        Assert.True(fewer.Covers(more));
        Assert.False(more.Covers(fewer));
        Assert.False(fewer.Covers(more with { Pending = 8 }));
        Assert.False(fewer.Covers(more with { Faults = more.Faults with { Clock = 1 } }));

        var set = new WorldSet();
        Assert.Equal([(0, true), (1, true), (1, false)], new[] { set.Add(more), set.Add(fewer), set.Add(fewer) });
    }
}
