using FlEvents.Orchestrator.Rounds;

namespace FlEvents.Orchestrator.Tests.Rounds;

public class FairShareTests
{
    private static readonly Guid First = new("00000000-0000-4000-8000-000000000001");
    private static readonly Guid Second = new("00000000-0000-4000-8000-000000000002");

    [Fact]
    public void A_small_run_is_not_kept_waiting_by_a_large_one()
    {
        var given = FairShare.Pick(10, [new RunDemand(First, Waiting: 10_000, InFlight: 6), new RunDemand(Second, Waiting: 3, InFlight: 0)]);
        Assert.Equal(3, given[Second]);
        Assert.Equal(1, given[First]);
    }

    [Fact]
    public void Two_hungry_runs_get_the_same()
    {
        var given = FairShare.Pick(10, [new RunDemand(First, 100, 0), new RunDemand(Second, 100, 0)]);
        Assert.Equal((5, 5), (given[First], given[Second]));
    }

    [Fact]
    public void Nobody_gets_more_than_waits_or_than_there_is_room()
    {
        Assert.Equal(2, FairShare.Pick(100, [new RunDemand(First, 2, 0)])[First]);
        Assert.Empty(FairShare.Pick(4, [new RunDemand(First, 5, 3), new RunDemand(Second, 0, 1)]));
        Assert.Empty(FairShare.Pick(4, [new RunDemand(First, 5, 9)]));
    }
}
