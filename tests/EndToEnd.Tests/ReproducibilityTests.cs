using FlEvents.Standalone.RunFiles;

namespace FlEvents.EndToEnd.Tests;

/// <summary>A model is a function of the run file alone.</summary>
public sealed class ReproducibilityTests
{
    [Fact]
    public async Task The_same_file_gives_the_same_model_and_another_seed_another()
    {
        var first = await InProcess.ModelSha256Async(TinyRun.Read());

        Assert.Equal(first, await InProcess.ModelSha256Async(TinyRun.Read()));
        Assert.NotEqual(first, await InProcess.ModelSha256Async(TinyRun.Read("seed=6")));
    }

    [Fact]
    public async Task One_worker_and_four_give_the_same_model()
    {
        var one = await InProcess.ModelSha256Async(TinyRun.Read("simulation.workers=1"));

        Assert.Equal(one, await InProcess.ModelSha256Async(TinyRun.Read("simulation.workers=4")));
    }

    [Fact]
    public async Task The_order_in_which_updates_arrive_does_not_change_the_model()
    {
        // Unequal weights, so that a sum in another order would show in its last bits.
        RunFile file = TinyRun.Read("simulation.workers=4", "simulation.partition={\"rule\": \"dirichlet\", \"alpha\": 0.5}", "simulation.data.digits.count=301");
        var inOrder = await ArriveAsync(file, [0, 1, 2, 3]);

        Assert.Equal(inOrder, await ArriveAsync(file, [3, 2, 1, 0]));
        Assert.Equal(inOrder, await ArriveAsync(file, [2, 0, 3, 1]));
    }

    private static async Task<string> ArriveAsync(RunFile file, int[] order)
    {
        var arrivals = new ArrivalOrder(order);
        var sha256 = await InProcess.ModelSha256Async(file, arrivals.Install);
        var expected = order.Select(client => $"client-{client:000000}");
        Assert.Equal(Enumerable.Repeat(expected, TinyRun.Rounds).SelectMany(round => round), arrivals.Arrived);
        return sha256;
    }
}
