using FlEvents.Aggregator.Rounds;

namespace FlEvents.Aggregator.Tests.Rounds;

public class NewestWeightsTests
{
    private static readonly Guid[] Runs = [.. Enumerable.Range(0, 4).Select(_ => Guid.NewGuid())];

    [Fact]
    public void The_newest_weights_of_a_run_take_the_place_of_its_older_ones()
    {
        var newest = new NewestWeights(100);
        float[] first = [1], second = [2];
        newest.Remember(Runs[0], "a", first);
        newest.Remember(Runs[0], "b", second);
        Assert.Null(newest.Find(Runs[0], "a"));
        Assert.Same(second, newest.Find(Runs[0], "b"));
        Assert.Null(newest.Find(Runs[1], "b"));
        newest.Forget(Runs[0]);
        Assert.Null(newest.Find(Runs[0], "b"));
    }

    [Fact]
    public void No_more_bytes_are_kept_than_the_bound_and_who_came_first_goes_first()
    {
        // Room for 25 values.
        var newest = new NewestWeights(100);
        newest.Remember(Runs[0], "a", new float[10]);
        newest.Remember(Runs[1], "a", new float[10]);
        newest.Remember(Runs[2], "a", new float[10]);
        Assert.Equal([false, true, true], Runs[..3].Select(run => newest.Find(run, "a") is not null));
        newest.Remember(Runs[3], "a", new float[25]);
        Assert.Equal([false, false, false, true], Runs.Select(run => newest.Find(run, "a") is not null));
        newest.Remember(Runs[3], "b", new float[26]);
        Assert.Equal([false, false, false, false], Runs.Select(run => newest.Find(run, "b") is not null));
    }
}
